"""What the sink `postgres` needs to know about a PostgreSQL server."""
