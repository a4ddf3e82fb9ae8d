"""What operators look into."""
