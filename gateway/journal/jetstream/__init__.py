"""The journal on NATS JetStream: a stream for each partition, a message for each chunk."""
