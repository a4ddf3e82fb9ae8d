"""From HTTP to the journal."""
