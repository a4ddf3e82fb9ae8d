"""The journal as a topic of Kafka, for several gateways."""
