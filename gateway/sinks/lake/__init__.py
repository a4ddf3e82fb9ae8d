"""Delta Lake tables: where they are, their schema, and their library's failures."""
