"""How an operator describes the webhooks of other systems: their fields, and their signatures."""
