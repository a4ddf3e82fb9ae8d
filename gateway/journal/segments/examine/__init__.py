"""Inspect a journal without running it: list its files, find their faults, extract their events."""
