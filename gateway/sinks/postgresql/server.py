"""Connections to a PostgreSQL server, configured by its dsn, through asyncpg."""

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import asyncpg

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured
from gateway.postgresql import dsn

_CONNECT_SECONDS = 10
_CLOSE_SECONDS = 2

# An ALTER that waits for a long query blocks everyone after it; a gateway that hangs must not keep its locks,
# and the server must not keep working for one that has gone. Settings of the role, the database or the dsn
# are kept, except that transactions must be durable: otherwise events could be lost with the server's memory.
_SESSION = """
SELECT set_config(name, value, false)
FROM (VALUES ('lock_timeout', '3s'), ('statement_timeout', $1),
  ('idle_in_transaction_session_timeout', $1)) AS wanted (name, value)
WHERE current_setting(name) = '0'
UNION ALL
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_pack = struct.Struct("!q").pack


def _encode_instant(instant: datetime) -> bytes:
    since = instant - _EPOCH
    return _pack((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "jsonb": b"\x01".__add__,  # the version of the format, before JSON
    "timestamptz": _encode_instant,  # half the cost of asyncpg's own, which converts the time zone
}
"""Encoders for PostgreSQL's binary format. The sink reads no value of these types."""


async def connect(url: Secret, application: str, command_seconds: float) -> asyncpg.Connection:
    """
    Connect within 10 seconds; no statement may take more than `command_seconds`. Raises DRIVER_ERRORS or
    SinkMisconfigured.

    If neither the dsn nor the environment has an sslmode, hosts other than loopback addresses and Unix
    sockets must present a certificate that is valid for their name. PGSSLROOTCERT, ~/.pgpass and libpq's
    other files and variables count as far as asyncpg reads them.
    """
    try:
        connection = await asyncpg.connect(
            url.reveal(),
            timeout=_CONNECT_SECONDS,
            command_timeout=command_seconds,
            ssl=tls(url),
            server_settings={"application_name": application},
        )
    except (asyncpg.InterfaceError, OSError):
        raise
    except ValueError:  # its text could repeat a part of the dsn
        raise SinkMisconfigured("the dsn cannot be read") from None
    try:
        await connection.execute(_SESSION, f"{command_seconds * 1000:.0f}ms")
        for type, encode in _ENCODERS.items():
            await connection.set_type_codec(
                type, schema="pg_catalog", encoder=encode, decoder=bytes, format="binary"
            )
    except BaseException:
        connection.terminate()
        raise
    return connection


async def close(connection: asyncpg.Connection) -> None:
    """Close a connection; give up within 2 seconds if the server does not answer. Raises nothing."""
    try:
        await connection.close(timeout=_CLOSE_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        connection.terminate()


def tls(url: Secret) -> Literal["verify-full", True] | None:
    """
    Return asyncpg's argument `ssl`; None leaves it to the dsn and the environment.

    For True, asyncpg verifies with the system's authorities; it reads the dsn's files only for "verify-full".
    """
    if not dsn.must_verify(url):
        return None
    return "verify-full" if dsn.has_tls_files(url) else True
