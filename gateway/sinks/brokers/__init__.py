"""What the sinks that publish messages share."""
