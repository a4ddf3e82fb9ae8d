"""The inspector: the HTTP service for operators."""
