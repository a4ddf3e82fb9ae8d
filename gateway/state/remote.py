"""
The state in a PostgreSQL database, which belongs to one journal, whichever gateways write to it.

Whoever opens it for writing creates what is missing. Unlike a file, the state of another journal is never set
aside: it is refused.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

import structlog

from gateway.errors import ConfigError, StateUnavailable
from gateway.postgresql import schema
from gateway.postgresql.connection import Session
from gateway.postgresql.place import Remote
from gateway.postgresql.pool import DatabaseMisconfigured, DatabaseUnavailable, Pool, shared
from gateway.postgresql.schema import WrongSchema
from gateway.state.base import Connection

log = structlog.get_logger()

_CLAIM = "UPDATE meta SET journal = ? WHERE journal IS NULL"


class OtherJournal(WrongSchema):
    """The database holds the state of another journal."""


class _Owned(NamedTuple):
    """Checks that a connection leads to the state of a journal; creates it if there is none."""

    journal: bytes

    def __call__(self, session: Session) -> None:
        schema.migrate(session)
        session.execute(_CLAIM, (self.journal,))
        if session.changes():
            log.info("state created")
        owner = session.execute("SELECT journal FROM meta").get
        if bytes(owner) != self.journal:
            raise OtherJournal("the database is the state of another journal: give each gateway its own")


def _readable(session: Session) -> None:
    schema.check(session)
    if session.execute("SELECT journal FROM meta").get is None:
        raise WrongSchema("the database has no state; has the gateway ever run?")


def prepare(place: Remote, journal: bytes) -> None:
    """
    Ensure that there is a state of this journal. Any gateway may call it, at any time.

    Raises ConfigError if an operator has to act, and StateUnavailable if the server cannot be reached now.
    """
    with _for_operators(place), shared(place.url, _Owned(journal)).reading() as session:
        schema.forget_writers(session)


def migrate(place: Remote) -> str:
    """Create the tables, or bring them up to this version; return what was done. Raises as `prepare` does."""
    found: list[int | None] = []
    pool = Pool(place.url, lambda session: found.append(schema.migrate(session)))
    with _for_operators(place), closing(pool), pool.reading():
        [before] = found
    if before == schema.VERSION:
        return f"{place}: the tables have version {before} already"
    return f"{place}: tables {'created with' if before is None else 'upgraded to'} version {schema.VERSION}"


@contextmanager
def _for_operators(place: Remote) -> Iterator[None]:
    try:
        yield
    except (DatabaseMisconfigured, WrongSchema) as error:
        raise ConfigError(f"[state] url: {place}: {error}") from error
    except DatabaseUnavailable as error:
        raise StateUnavailable(f"{place}: {error}") from error


class RemoteDatabase:
    """Implements state.base.Database."""

    def __init__(self, place: Remote, pool: Pool, *, writable: bool) -> None:
        self._place = place
        self._pool = pool
        self._writable = writable

    @classmethod
    def open(cls, place: Remote, journal: bytes) -> "RemoteDatabase":
        """Open the state for reading and writing. It connects when it is first used."""
        return cls(place, shared(place.url, _Owned(journal)), writable=True)

    @classmethod
    def open_read_only(cls, place: Remote) -> "RemoteDatabase":
        """Open the state of any journal for reading. Raises StateUnavailable if there is none."""
        database = cls(place, shared(place.url, _readable), writable=False)
        with database.reading():
            return database

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._translating(), self._pool.reading() as session:
            yield session

    @contextmanager
    def writing(self, *keys: str) -> Iterator[Connection]:
        if not self._writable:
            raise StateUnavailable(f"{self._place} is open for reading only")
        with self._translating(), self._pool.writing(keys) as session:
            yield session

    def version(self, query: str) -> object:
        with self.reading() as connection:
            return connection.execute(query).fetchall()

    def close(self) -> None:
        """Do nothing: the connections are kept for whatever this process opens next."""

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseUnavailable, WrongSchema) as error:
            raise StateUnavailable(f"{self._place}: {error}") from error
