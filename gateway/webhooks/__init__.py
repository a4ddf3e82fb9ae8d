"""What an operator says of a third party's webhooks: how they are read, and how they are signed."""
