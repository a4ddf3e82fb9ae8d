"""Where the state, people and products of a gateway are: in a file in the data folder, or on a server."""

from pathlib import Path
from typing import NamedTuple

from gateway.config.secret import Secret
from gateway.postgresql import dsn


class Remote(NamedTuple):
    """A part of the data that a gateway keeps in the database named by `[state] url`."""

    url: Secret
    name: str
    """state, people or products."""

    def __str__(self) -> str:
        return f"PostgreSQL at {','.join(map(_printable, dsn.hosts(self.url).split(',')))}"


def _printable(host: str) -> str:
    """Return a host without an invalid port, which may be a part of a password."""
    name, colon, port = host.rpartition(":")
    return (host if not colon or port.isdecimal() or host.endswith("]") else name) or "localhost"


Place = Path | Remote
