"""Who may use the inspector: hosts, origins, tokens, sessions and forms."""
