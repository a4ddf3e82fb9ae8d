"""Commanders Act's event delivery API, on the gateway's records of its deliveries."""
