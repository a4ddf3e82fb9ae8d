"""Commanders Act's event delivery API, over what the gateway keeps of its deliveries."""
