"""The log that comes with the gateway: files in the data folder, one partition a worker."""
