"""
DuckDB in memory, with the table `events` of a journal.

A statement sees only that table: it can neither read nor write files, nor reach the network, nor change the
settings that prevent this. DuckDB exempts the folder for data that does not fit into memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import duckdb

from gateway.analysis.table import Events

TABLE = "events"

_SETTINGS = (
    "SET TimeZone = 'UTC'",  # the gateway's days are in UTC
    "SET autoinstall_known_extensions = false",  # its messages would suggest what is forbidden
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
    "SET allowed_configs = ['TimeZone']",
    "SET lock_configuration = true",
)


@contextmanager
def opened(events: Events) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a connection for the duration of the block. What does not fit into memory goes to a folder."""
    with TemporaryDirectory(prefix="gateway-query-") as folder, duckdb.connect() as connection:
        for setting in (f"SET temp_directory = '{folder}'", *_SETTINGS):
            connection.execute(setting)
        connection.register(TABLE, events)
        yield connection
