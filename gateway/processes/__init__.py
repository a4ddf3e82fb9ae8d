"""The processes of a gateway: a file for each kind, and the supervisor that runs them."""
