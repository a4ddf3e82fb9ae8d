"""DuckDB in memory, with the table `events` of a journal."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import duckdb

from gateway.analysis.table import Events

TABLE = "events"

_SETTINGS = (
    "SET TimeZone = 'UTC'",  # days are those of the gateway
    "SET autoinstall_known_extensions = false",  # nothing is loaded from the network
    "SET autoload_known_extensions = false",
)


@contextmanager
def opened(events: Events) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a connection for the duration of the block. What does not fit into memory goes to a folder."""
    with TemporaryDirectory(prefix="gateway-query-") as folder, duckdb.connect() as connection:
        for setting in (*_SETTINGS, f"SET temp_directory = '{folder}'"):
            connection.execute(setting)
        connection.register(TABLE, events)
        yield connection
