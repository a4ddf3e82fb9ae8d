"""JSON that stays undecoded."""
