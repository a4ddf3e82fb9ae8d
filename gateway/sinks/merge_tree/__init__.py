"""What the sink `clickhouse` needs to know about a ClickHouse server."""
