"""The address of a PostgreSQL server, as its dsn says it, and a connection to it."""

import os
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import asyncpg

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured

_CONNECT_SECONDS = 10
_CLOSE_SECONDS = 2
_SCHEMES = ("postgresql", "postgres")

# An ALTER that waits for a long query blocks everyone after it; a gateway that hangs must not hold its locks,
# and the server must not work on for one that has gone. What the role, the database or the dsn sets itself is
# left alone; except that events of a transaction that is not durable would be lost with the server's memory.
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
"""In the binary format of PostgreSQL. The sink reads no value of these types."""


def mistakes(dsn: Secret) -> Iterator[str]:
    """Yield the text of each mistake in a dsn; none of them repeats any part of it."""
    try:
        parsed, _ = _split(dsn)
    except ValueError:
        yield "not a valid URL; special characters in the password must be percent-encoded"
        return
    if parsed.scheme not in _SCHEMES:
        yield 'expected a URL such as "postgresql://user:${PASSWORD}@host/database"'
    elif parsed.netloc.count("@") > 1 or "@" in parsed.path:
        yield "special characters in the user or the password must be percent-encoded"


async def connect(dsn: Secret, application: str, command_seconds: float) -> asyncpg.Connection:
    """
    Connect within 10 seconds; no statement may take more than `command_seconds`. Raises DRIVER_ERRORS or
    SinkMisconfigured.

    Where neither the dsn nor the environment has an sslmode, hosts other than loopback addresses and Unix
    sockets must show a certificate that is valid for their name. PGSSLROOTCERT, ~/.pgpass and the other
    files and variables of libpq count as asyncpg reads them.
    """
    try:
        connection = await asyncpg.connect(
            dsn.reveal(),
            timeout=_CONNECT_SECONDS,
            command_timeout=command_seconds,
            ssl=tls(dsn),
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
    """Close a connection; a server that does not answer is left within 2 seconds. Raises nothing."""
    try:
        await connection.close(timeout=_CLOSE_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        connection.terminate()


def passwords(dsn: Secret) -> tuple[str, ...]:
    """Return the texts that no error may repeat."""
    try:
        parsed, query = _split(dsn)
        written = parsed.password or ""
    except ValueError:
        return (dsn.reveal(),)
    return tuple(filter(None, (dsn.reveal(), written, unquote(written), query.get("password", ""))))


def hosts(dsn: Secret) -> str:
    """Return the hosts and ports that a dsn names, or else the environment; empty if neither does."""
    parsed, query = _split(dsn)
    return query.get("host") or parsed.netloc.rpartition("@")[2] or os.environ.get("PGHOST", "")


def tls(dsn: Secret) -> Literal["verify-full", True] | None:
    """
    Return asyncpg's argument `ssl`; None leaves it to the dsn and the environment.

    asyncpg verifies by the system's authorities for True, and reads the dsn's files for "verify-full" alone.
    """
    _, query = _split(dsn)
    if "sslmode" in query or "PGSSLMODE" in os.environ or all(map(_is_local, hosts(dsn).split(","))):
        return None
    has_files = any(name.startswith("ssl") for name in query) or any(
        name.startswith("PGSSL") for name in os.environ
    )
    return "verify-full" if has_files else True


def _is_local(host: str) -> bool:
    host = unquote(host)
    name = host[1 : host.index("]")] if host.startswith("[") and "]" in host else host.partition(":")[0]
    try:
        return name in ("", "localhost") or name.startswith("/") or ip_address(name).is_loopback
    except ValueError:
        return False


def _split(dsn: Secret) -> tuple[SplitResult, dict[str, str]]:
    parsed = urlsplit(dsn.reveal())
    return parsed, dict(parse_qsl(parsed.query, strict_parsing=bool(parsed.query)))
