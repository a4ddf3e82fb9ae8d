"""Questions of operators and their answers; pages, APIs and commands are faces of these functions."""
