"""Where the parts are put together: a file for each kind of process, and the supervisor that runs them."""
