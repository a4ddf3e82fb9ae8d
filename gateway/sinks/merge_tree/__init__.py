"""What the sink `clickhouse` needs to know of a ClickHouse server."""
