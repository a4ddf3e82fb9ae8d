"""The pages of the inspector: what people see of the gateway, rendered here and readable without a script."""
