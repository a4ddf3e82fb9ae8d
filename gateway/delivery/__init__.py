"""Delivery: move events from the journal to the sinks."""
