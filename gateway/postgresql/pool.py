"""
The few connections of one process to the gateway's database: lent, and replaced after a failure.

A COMMIT whose answer is lost is neither taken as done nor repeated: every transaction writes its number on
its connection, and that number is read before the database is used again.
"""

import atexit
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import psycopg

from gateway.config.secret import Secret
from gateway.errors import GatewayError
from gateway.postgresql.connection import CALL_SECONDS, OutcomeUnknown, Session, describe, lock_key

MAX_CONNECTIONS = 4
"""The most connections of one process."""

_RETRY_SECONDS = 0.2
"""Pause between two attempts to read the outcome of a COMMIT."""
_ENLIST = "INSERT INTO writers (id, number) VALUES (?, 0)"
# Waits for a transaction that has not ended because the server goes on without its client.
_OUTCOME = "SELECT number FROM writers WHERE id = ? FOR UPDATE"


class DatabaseUnavailable(GatewayError):
    """The database cannot be used now; a transaction has had no effect unless the text says otherwise."""


class DatabaseMisconfigured(DatabaseUnavailable):
    """The database cannot be used before an operator has acted."""


class _Doubt(NamedTuple):
    """A transaction that may or may not have been committed."""

    writer: int
    number: int


class _Lent:
    """A connection of the pool, and how many transactions it has written."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.writer = 0
        """The id of its row in the table `writers`; 0: it has none yet."""
        self.number = 0


class Pool:
    """Thread-safe. Every method blocks for a bounded time, and raises DatabaseUnavailable."""

    def __init__(self, url: Secret, check: Callable[[Session], None]) -> None:
        """`check` is called with each new connection."""
        self._url = url
        self._check = check
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._lock = threading.Lock()
        self._idle: list[_Lent] = []
        self._doubts: set[_Doubt] = set()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Lend a connection on which each statement stands alone, for the duration of the block."""
        with self._translating(), self._lent() as lent:
            yield lent.session

    @contextmanager
    def writing(self, keys: Iterable[str]) -> Iterator[Session]:
        """
        Lend a connection for one transaction, which is durable when the block is left.

        Transactions that have a key in common wait for each other.
        """
        with self._translating(), self._lent() as lent:
            doubt = self._begin(lent, keys)
            try:
                yield lent.session
                self._commit(lent.session, doubt)
            except BaseException:
                lent.session.abandon()
                raise

    def _begin(self, lent: _Lent, keys: Iterable[str]) -> _Doubt:
        if not lent.writer:
            writer = secrets.randbits(62) + 1
            lent.session.execute(_ENLIST, (writer,))
            lent.writer = writer
        lent.number += 1
        locks = [f"SELECT pg_advisory_xact_lock({a}, {b})" for a, b in sorted(map(lock_key, keys))]
        own = f"UPDATE writers SET number = {lent.number}, seen_at = now() WHERE id = {lent.writer}"  # noqa: S608
        try:
            begun = lent.session.run("; ".join(("BEGIN", *locks, own)))
        except BaseException:
            lent.session.abandon()
            raise
        if not begun.rowcount:  # the connection was unused for so long that its row was deleted
            lent.session.abandon()
            lent.writer = 0
            return self._begin(lent, keys)
        return _Doubt(lent.writer, lent.number)

    def _commit(self, session: Session, doubt: _Doubt) -> None:
        try:
            session.commit()
        except OutcomeUnknown as error:
            with self._lock:
                self._doubts.add(doubt)
            if not self._was_committed(doubt):
                raise DatabaseUnavailable(f"{describe(error, self._url)}; nothing was written") from error

    def _was_committed(self, doubt: _Doubt) -> bool:
        """Return whether `doubt` was committed. Raises DatabaseUnavailable if that cannot be read in time."""
        end = time.monotonic() + CALL_SECONDS
        while True:
            try:
                session = Session.connect(self._url)
                try:
                    return self._read(session, doubt)
                finally:
                    session.close()
            except psycopg.Error as error:
                if time.monotonic() > end:
                    text = f"{describe(error, self._url)}; the last change may or may not have been written"
                    raise DatabaseUnavailable(text) from error
            time.sleep(_RETRY_SECONDS)

    def _read(self, session: Session, doubt: _Doubt) -> bool:
        committed: bool = session.execute(_OUTCOME, (doubt.writer,)).get == doubt.number
        with self._lock:
            self._doubts.discard(doubt)
        return committed

    @contextmanager
    def _lent(self) -> Iterator[_Lent]:
        if not self._free.acquire(timeout=CALL_SECONDS):
            raise DatabaseUnavailable("all connections are in use")
        try:
            lent = self._idle_one() or self._new()
            try:
                yield lent
            except psycopg.Error:
                lent.session.close()  # a new one may lead to another server, or to repaired tables
                raise
            finally:
                self._return(lent)
        finally:
            self._free.release()

    def _idle_one(self) -> _Lent | None:
        while True:
            with self._lock:
                if not self._idle or self._doubts:
                    return None
                lent = self._idle.pop()
            if lent.session.is_usable:
                return lent
            lent.session.close()

    def _new(self) -> _Lent:
        session = Session.connect(self._url)
        try:
            with self._lock:
                doubts = [*self._doubts]
            for doubt in doubts:  # anything read from here on reflects their outcome
                self._read(session, doubt)
            self._check(session)
        except BaseException:
            session.close()
            raise
        return _Lent(session)

    def _return(self, lent: _Lent) -> None:
        with self._lock:
            if len(self._idle) < MAX_CONNECTIONS and not lent.session.is_closed:
                self._idle.append(lent)
                return
        lent.session.close()

    def close(self) -> None:
        """Close the connections that are not lent."""
        with self._lock:
            idle, self._idle = self._idle, []
        for lent in idle:
            lent.session.close()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            wrong = (error.sqlstate or "")[:2] in _MISCONFIGURED
            kind = DatabaseMisconfigured if wrong else DatabaseUnavailable
            raise kind(describe(error, self._url)) from error


_MISCONFIGURED = ("28", "3D", "3F", "42")


@cache
def shared(url: Secret, check: Callable[[Session], None]) -> Pool:
    """Return the pool of this process for a url and a check, which must be hashable."""
    pool = Pool(url, check)
    atexit.register(pool.close)
    return pool
