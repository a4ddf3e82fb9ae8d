"""The tables with which operators describe the webhooks of other systems: fields and signatures."""
