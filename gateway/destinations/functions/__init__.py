"""The functions that a mapping can name: each makes a value of a value, and None of what it cannot use."""
