"""The durable log between intake and delivery."""
