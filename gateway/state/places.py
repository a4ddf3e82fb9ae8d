"""The state at a place: in a file, or in a database on a server."""

from pathlib import Path

from gateway.postgresql.place import Place
from gateway.state import database
from gateway.state.base import Database


def prepare(place: Place, journal: bytes, *, expected: bool = False) -> None:
    """
    Ensure that there is a state of this journal. For a file, only the owner of its folder may call it.

    A file that is damaged or belongs to another journal is set aside and recreated; `expected` logs a warning
    if there is none yet. Raises ConfigError, and StateUnavailable if a server cannot be reached now.
    """
    if isinstance(place, Path):
        return database.prepare(place, journal, expected=expected)
    from gateway.state import remote  # the driver is there if a server is configured

    return remote.prepare(place, journal)


def open_database(place: Place, journal: bytes) -> Database:
    """Open the state of this journal for reading and writing. Raises StateUnavailable."""
    if isinstance(place, Path):
        return database.Database.open(place, journal)
    from gateway.state.remote import RemoteDatabase

    return RemoteDatabase.open(place, journal)


def open_read_only(place: Place) -> Database:
    """Open the state of any journal for reading. Raises StateUnavailable if there is none."""
    if isinstance(place, Path):
        return database.Database.open_read_only(place)
    from gateway.state.remote import RemoteDatabase

    return RemoteDatabase.open_read_only(place)
