"""The state that lies at a place: a file, or a database on a server."""

from pathlib import Path

from gateway.errors import ConfigError, StateUnavailable
from gateway.postgresql.place import Place
from gateway.state import database
from gateway.state.base import Database


def prepare(place: Place, journal: bytes, *, expected: bool = False) -> None:
    """
    Ensure that there is a state of this journal. Only the process that owns the folder may call it.

    A file that is damaged or belongs to another journal is set aside and recreated. `expected` logs a warning
    if there is no state yet. Raises ConfigError.
    """
    if not isinstance(place, Path):
        raise ConfigError("[state] url: not supported by this version")
    database.prepare(place, journal, expected=expected)


def open_database(place: Place, journal: bytes) -> Database:
    """Open the state of this journal for reading and writing. Raises StateUnavailable."""
    if not isinstance(place, Path):
        raise StateUnavailable("[state] url: not supported by this version")
    return database.Database.open(place, journal)


def open_read_only(place: Place) -> Database:
    """Open the state of any journal for reading. Raises StateUnavailable if there is none."""
    if not isinstance(place, Path):
        raise StateUnavailable("[state] url: not supported by this version")
    return database.Database.open_read_only(place)
