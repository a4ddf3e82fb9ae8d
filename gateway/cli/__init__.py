"""The command `gateway`: one file per command, put together in main.py."""
