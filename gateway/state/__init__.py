"""The state of delivery, in state.db: positions, receipts, tallies and orders."""
