"""The HTTP client of all sinks that send requests: guarded, bounded, and with three classes of failure."""
