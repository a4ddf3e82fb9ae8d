"""Operators' queries and their answers; pages, APIs and commands are interfaces to these functions."""
