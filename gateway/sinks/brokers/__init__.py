"""What sinks that publish messages share."""
