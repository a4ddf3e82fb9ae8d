"""What can be said of a journal without running it: its files, their faults, their events."""
