"""Vendors as data: a mapping, one TOML file per vendor, says how events become requests to its API."""
