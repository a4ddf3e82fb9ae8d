"""Services of the public port besides events: health, settings, scripts, descriptions, and two APIs."""
