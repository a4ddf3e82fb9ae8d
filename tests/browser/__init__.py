"""Real clients in the pages of a real browser."""
