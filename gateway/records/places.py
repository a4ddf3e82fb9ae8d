"""The table of records that lies at a place: in a file, or in a database on a server."""

from pathlib import Path

from gateway.errors import JournalUnavailable
from gateway.postgresql.place import Place
from gateway.records.table import Table


def open_table(place: Place) -> Table:
    """Open a table; create it if it is missing. Raises JournalUnavailable."""
    if not isinstance(place, Path):
        raise JournalUnavailable("[state] url: not supported by this version")
    return Table(place)
