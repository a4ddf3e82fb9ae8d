"""What the sink `postgres` needs to know of a PostgreSQL server."""
