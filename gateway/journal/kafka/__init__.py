"""The journal as a Kafka topic, for several gateways."""
