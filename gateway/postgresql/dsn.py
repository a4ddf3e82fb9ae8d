"""The address of a PostgreSQL server, as a libpq URL. No function repeats a secret in an error."""

import os
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from gateway.config.secret import Secret

_SCHEMES = ("postgresql", "postgres")


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


def passwords(dsn: Secret) -> tuple[str, ...]:
    """Return the texts that no error may repeat."""
    try:
        parsed, query = _split(dsn)
        written = parsed.password or ""
    except ValueError:
        return (dsn.reveal(),)
    return tuple(filter(None, (dsn.reveal(), written, unquote(written), query.get("password", ""))))


def hosts(dsn: Secret) -> str:
    """Return the hosts and ports that a dsn, or else the environment, names; empty if neither does."""
    parsed, query = _split(dsn)
    return query.get("host") or parsed.netloc.rpartition("@")[2] or os.environ.get("PGHOST", "")


def must_verify(dsn: Secret) -> bool:
    """Return True if a host is not local, and neither the dsn nor the environment has an sslmode."""
    _, query = _split(dsn)
    has_mode = "sslmode" in query or "PGSSLMODE" in os.environ
    return not has_mode and not all(map(_is_local, hosts(dsn).split(",")))


def has_tls_files(dsn: Secret) -> bool:
    """Return True if the dsn or the environment names authorities or certificates."""
    _, query = _split(dsn)
    return any(name.startswith("ssl") for name in query) or any(
        name.startswith("PGSSL") for name in os.environ
    )


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
