"""What the public port answers besides events."""
