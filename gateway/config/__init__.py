"""The configuration of a gateway: gateway.toml, from the file to tables that have checked themselves."""
