"""What delivery remembers: positions, receipts, tallies and orders, in state.db."""
