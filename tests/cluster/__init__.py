"""Several gateways that share a journal and a state."""
