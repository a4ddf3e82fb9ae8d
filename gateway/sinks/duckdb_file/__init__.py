"""What the sink `duckdb` needs to know of a DuckDB file."""
