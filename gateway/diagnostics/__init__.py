"""Diagnostics: refusals, raw requests, deliveries and exchanges, kept to find out what became of events."""
