"""The functions that a mapping can name: each turns a value into another, or None if it cannot use it."""
