"""Tables of Delta Lake: where they lie, their schema, and what their library says of failures."""
