"""Addresses of the servers of an engine, in the engine's own form."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_BROKER = re.compile(r"([\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5}")


def check_nats(servers: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the key and the text of each mistake in NATS addresses."""
    for server in servers:
        address = urlsplit(server)
        if address.scheme not in ("nats", "tls") or not address.hostname:
            yield "servers", "expected nats://HOST:PORT, or tls://HOST:PORT"
        elif address.username or address.password:
            yield "servers", "expected the user and the password in keys of their own"
    if len({urlsplit(server).scheme for server in servers}) > 1:
        yield "servers", "expected nats:// for all, or tls:// for all"


def check_kafka(servers: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the key and the text of each mistake in Kafka addresses."""
    protocols = set()
    for server in servers:
        protocol, separator, address = server.rpartition("://")
        if not _BROKER.fullmatch(address) or (separator and protocol not in _PROTOCOLS):
            yield "servers", f"expected HOST:PORT, or {', '.join(_PROTOCOLS)}://HOST:PORT"
        protocols.add(protocol)
    if len(protocols) > 1:
        yield "servers", "expected the same protocol for all"
