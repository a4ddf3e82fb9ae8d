"""The command `gateway`: one file a command, put together in main.py."""
