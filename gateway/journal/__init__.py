"""The journal: the durable log between intake and delivery."""
