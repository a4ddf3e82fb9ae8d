"""Connections to PostgreSQL through psycopg; no call takes longer than its deadline."""

import re
import select
import ssl
import time
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, LiteralString, Self, TypeVar, cast

import psycopg
from psycopg import conninfo
from psycopg.abc import PQGen

from gateway.config.secret import Secret
from gateway.postgresql import dsn

CALL_SECONDS = 10.0
"""The longest that one statement may take; if the server takes longer, the connection counts as lost."""

SCHEMA = "event_gateway"
"""The schema of the tables, unless the url has a search_path in its `options`."""

_CONNECT_SECONDS = 5
# The server gives up before the client does, and releases what a vanished client holds within seconds.
_OPTIONS = {
    "search_path": SCHEMA,
    "default_transaction_isolation": "read\\ committed",
    "lock_timeout": "5s",
    "statement_timeout": "8s",
    "idle_in_transaction_session_timeout": "5s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "8s",
}
_DEFAULTS: dict[str, str | int] = {
    "application_name": "event-gateway",
    "client_encoding": "UTF8",  # with any other, psycopg may return bytes for text
    "connect_timeout": _CONNECT_SECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
    "target_session_attrs": "read-write",
}
# What has been recorded must survive the loss of the server's memory; stricter settings are left alone.
_DURABLE = """
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
_LOCKS = int.from_bytes(b"evgw")
"""The class of the gateway's advisory locks."""

_REFUSALS = ("23", "25", "40")
"""The classes of SQLSTATE that answer a COMMIT that has had no effect."""

_RV = TypeVar("_RV")


class OutcomeUnknown(psycopg.OperationalError):
    """The connection was lost at a COMMIT, which may have taken effect."""


class Rows(psycopg.RawCursor[Any]):
    """Implements state.base.Rows."""

    @property
    def get(self) -> Any:
        row = self.fetchone() if self.description else None
        return row[0] if row else None


class _Driver(psycopg.Connection[Any]):
    """A connection that is closed when the server does not answer in time."""

    def wait(self, gen: PQGen[_RV], interval: float = 0.1, timeout: float | None = None) -> _RV:
        end = time.monotonic() + CALL_SECONDS
        try:
            return super().wait(gen, interval, CALL_SECONDS if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if error.sqlstate:  # the server's answer
                raise
            self.close()
            if time.monotonic() < end:
                raise
            raise psycopg.OperationalError(f"no answer within {CALL_SECONDS:.0f} s") from error


class Session:
    """
    Implements state.base.Connection. Not thread-safe; every method may raise psycopg.Error.

    Outside of `begin` and `commit` each statement is a transaction of its own.
    """

    def __init__(self, driver: _Driver) -> None:
        self._driver = driver
        self._changes = 0

    @classmethod
    def connect(cls, url: Secret) -> Self:
        """
        Connect to the first server of the url that can be written, in at most 5 seconds for each address.

        If neither the url nor the environment has an sslmode, hosts other than loopback addresses and Unix
        sockets must present a certificate that is valid for their name. PGSSLROOTCERT, ~/.pgpass and the
        other files and variables of libpq apply. Raises psycopg.Error.
        """
        driver = _Driver.connect(**_parameters(url), autocommit=True, cursor_factory=Rows)
        session = cls(driver)
        try:
            session.run(_DURABLE)
        except BaseException:
            session.close()
            raise
        return session

    @property
    def is_usable(self) -> bool:
        """False if the connection is closed, or the server has sent something unasked, as at its end."""
        if self._driver.closed:
            return False
        poll = select.poll()
        poll.register(self._driver, select.POLLIN)
        return not poll.poll(0)

    @property
    def is_closed(self) -> bool:
        return self._driver.closed

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        rows = cast("Rows", self._driver.execute(_numbered(statement), _storable(parameters)))
        self._changes = rows.rowcount
        return rows

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        with self._driver.cursor() as cursor:
            cursor.executemany(_numbered(statement), map(_storable, rows))
            self._changes = cursor.rowcount

    def changes(self) -> int:
        return self._changes

    def run(self, script: str) -> Rows:
        """Run several statements in one round trip; return the rows of the last."""
        rows = cast("Rows", self._driver.execute(script))
        rows.set_result(-1)
        return rows

    def commit(self) -> None:
        """Commit. Raises OutcomeUnknown if it may have been written, other psycopg.Error if nothing was."""
        try:
            message = self.run("COMMIT").statusmessage
        except psycopg.Error as error:
            if (error.sqlstate or "")[:2] in _REFUSALS:
                raise
            self.close()
            raise OutcomeUnknown(str(error)) from error
        if message != "COMMIT":
            raise psycopg.errors.InFailedSqlTransaction("a statement of the transaction has failed")

    def abandon(self) -> None:
        """Roll back a transaction; if that fails, the connection is closed. Raises nothing."""
        try:
            if not self._driver.closed:
                self.run("ROLLBACK")
        except psycopg.Error:
            self.close()

    def close(self) -> None:
        """Close the connection, whatever the server does. Raises nothing; may be called twice."""
        self._driver.close()


def lock_key(name: str) -> tuple[int, int]:
    """Return the class and the key of the advisory lock of a name."""
    return _LOCKS, zlib.crc32(name.encode()) - 2**31


def describe(error: psycopg.Error, url: Secret) -> str:
    """Return an error as one line for operators that repeats no password."""
    text = " ".join(f"{error.sqlstate or ''} {error}".split()) or type(error).__name__
    for password in dsn.passwords(url):
        text = text.replace(password, "***")
    return text


def _parameters(url: Secret) -> dict[str, Any]:
    try:
        given = conninfo.conninfo_to_dict(url.reveal())
        list(map(int, filter(None, str(given.get("port", "")).split(","))))
    except (psycopg.Error, ValueError):  # its text could repeat a part of the url
        raise psycopg.OperationalError("the url cannot be read") from None
    options = " ".join(f"-c {name}={value}" for name, value in _OPTIONS.items())
    found = {**_DEFAULTS, **given, "options": f"{options} {given.get('options', '')}"}
    if dsn.must_verify(url):
        found["sslmode"] = "verify-full"
        if not dsn.has_tls_files(url):
            # The libraries that come with psycopg do not look for CA certificates where the system has them.
            found["sslrootcert"] = ssl.get_default_verify_paths().cafile or "system"
    return found


@lru_cache(maxsize=256)
def _numbered(statement: str) -> LiteralString:
    """Return a statement with `$1`, `$2` … for each `?`."""
    numbers = count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", statement)


def storable(text: str) -> str:
    """Return a text, to be stored or searched for, without the character that PostgreSQL cannot store."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _storable(parameters: Sequence[Any]) -> list[Any]:
    return [storable(each) if isinstance(each, str) else each for each in parameters]
