"""Services on the public port other than events: health, settings, scripts, descriptions, and two APIs."""
