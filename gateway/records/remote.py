"""People and products in the database of PostgreSQL that several gateways share."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

import apsw

from gateway.errors import JournalUnavailable, StateUnavailable
from gateway.postgresql import schema
from gateway.postgresql.connection import Session, storable
from gateway.postgresql.place import Remote
from gateway.postgresql.pool import DatabaseUnavailable, Pool, shared
from gateway.postgresql.schema import WrongSchema
from gateway.records.base import Record

# Rows are created first so that they can be locked, in an order in which transactions cannot deadlock.
_MAKE = """
    INSERT INTO {0} (site, id, json, version)
    SELECT ?, id, '{{}}', ? FROM unnest(?::text[]) AS wanted (id) ORDER BY id ON CONFLICT DO NOTHING
"""
_LOCK = "SELECT id, json FROM {0} WHERE site = ? AND id = ANY(?::text[]) ORDER BY id FOR UPDATE"
_PUT = """
    UPDATE {0} SET json = new.json, version = ? FROM unnest(?::text[], ?::text[]) AS new (id, json)
    WHERE {0}.site = ? AND {0}.id = new.id
"""
_FIND = "SELECT json FROM {0} WHERE site = ? AND id = ?"
_REMOVE = "DELETE FROM {0} WHERE site = ? AND id = ?"
_NEXT_VERSION = "UPDATE catalogue SET version = version + 1 RETURNING version"
_VERSION = "SELECT version FROM catalogue"
_CHANGED = "SELECT site, id FROM products WHERE version > ?"
_MAX_CACHED_PRODUCTS = 50_000


class RemoteTable:
    """Implements records.base.Table."""

    def __init__(self, place: Remote) -> None:
        self._place = place
        self._pool = _pool(place)

    def find(self, site: str, id: str) -> bytes | None:
        with self._translating(), self._pool.reading() as session:
            return _find(session, self._place, site, id)

    def merge(self, site: str, records: Iterable[Record]) -> None:
        patches: dict[str, list[str]] = {}
        for record in records:
            patches.setdefault(storable(record.id), []).append(record.json.decode())
        ids = [*patches]
        with self._translating(), self._pool.writing(()) as session:
            # Merges of products wait for each other here, so that no reader misses a version.
            version = session.execute(_NEXT_VERSION).get if self._place.name == "products" else 0
            session.execute(_MAKE.format(self._place.name), (site, version, ids))
            old: dict[str, str] = dict(
                session.execute(_LOCK.format(self._place.name), (site, ids)).fetchall()
            )
            new = _merged(old, patches)
            session.execute(_PUT.format(self._place.name), (version, ids, new, site))

    def remove(self, site: str, id: str) -> None:
        with self._translating(), self._pool.writing(()) as session:
            session.execute(_REMOVE.format(self._place.name), (site, id))

    def close(self) -> None:
        """Do nothing: the connections are kept for whatever this process opens next."""

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseUnavailable, WrongSchema, apsw.Error) as error:
            raise JournalUnavailable(f"{self._place}: {error}") from error


class RemoteCatalogue:
    """
    Implements records.base.Catalogue; products are kept until they change.

    Its errors are StateUnavailable, since the state is in the same database: delivery waits for both.
    """

    def __init__(self, place: Remote) -> None:
        self._place = place
        self._pool = _pool(place)
        self._version = -1
        self._products: dict[tuple[str, str], bytes | None] = {}

    def version(self) -> object:
        with self._translating(), self._pool.reading() as session:
            version: int = session.execute(_VERSION).get
            if version != self._version:
                for changed in session.execute(_CHANGED, (self._version,)):
                    self._products.pop(changed, None)
                self._version = version
        if len(self._products) > _MAX_CACHED_PRODUCTS:
            self._products.clear()
        return version or None

    def find(self, site: str, id: str) -> bytes | None:
        if (site, id) not in self._products:
            with self._translating(), self._pool.reading() as session:
                self._products[site, id] = _find(session, self._place, site, id)
        return self._products[site, id]

    def close(self) -> None:
        self._version = -1
        self._products.clear()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseUnavailable, WrongSchema) as error:
            raise StateUnavailable(f"{self._place}: {error}") from error


def _prepare(session: Session) -> None:
    schema.migrate(session)


def _pool(place: Remote) -> Pool:
    return shared(place.url, _prepare)


def _find(session: Session, place: Remote, site: str, id: str) -> bytes | None:
    found = session.execute(_FIND.format(place.name), (site, id)).get
    return None if found is None else str(found).encode()


def _merged(old: dict[str, str], patches: dict[str, list[str]]) -> list[str]:
    """Apply merge patches with SQLite, so that both tables hold the same. Raises apsw.Error."""
    found = []
    with closing(apsw.Connection(":memory:")) as merger:
        for id, changes in patches.items():
            json = old[id]
            for patch in changes:
                json = str(merger.execute("SELECT json_patch(?, ?)", (json, patch)).get)
            found.append(json)
    return found
