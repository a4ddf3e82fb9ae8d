"""Places for the state and the records of a test: files, and databases of a real PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from gateway.config.secret import Secret
from gateway.postgresql.place import Place, Remote
from tests.sinks.postgres_server import PostgresServer, postgres_server

KINDS = ("file", "server")

_numbers = count(1)


@contextmanager
def database(server: PostgresServer | None = None, encoding: str = "UTF8") -> Iterator[str]:
    """Yield the url of an empty database, which is dropped after the block."""
    server = server or postgres_server()
    name = f"gateway_{next(_numbers)}"
    options = f"TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"
    server.run(f"CREATE DATABASE {name} {options}", database="postgres")
    try:
        yield server.dsn(database=name)
    finally:
        server.run(f"DROP DATABASE {name} WITH (FORCE)", database="postgres")


@contextmanager
def place(kind: str, folder: Path, name: str = "state") -> Iterator[Place]:
    """Yield a place of a kind where there is nothing yet."""
    if kind == "file":
        yield folder / f"{name}.db"
        return
    with database() as url:
        yield Remote(Secret(url), name)


def spell(place: Place) -> str:
    """Return a place as an argument of a program, which calls `parse`."""
    return place.url.reveal() if isinstance(place, Remote) else str(place)


def parse(text: str) -> Place:
    return Remote(Secret(text), "state") if "://" in text else Path(text)
