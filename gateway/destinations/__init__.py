"""Vendors as data: a mapping, one TOML file a vendor, says how events become requests of its API."""
