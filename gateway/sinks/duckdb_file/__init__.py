"""What the sink `duckdb` needs to know about a DuckDB file."""
