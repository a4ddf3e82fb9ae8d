"""The part of JetStream's API that the journal uses. https://docs.nats.io/reference/reference-protocols/nats_api_reference"""

from datetime import datetime
from typing import Any

import msgspec

WRONG_LAST_SEQUENCE = 10071
STREAM_NOT_FOUND = 10059
STREAM_NAME_IN_USE = 10058
PASSING = frozenset({10005, 10008, 10009})
"""Errors while servers start or elect a leader: no peers, no JetStream, no answer from a peer."""

EXPECTED_LAST_SEQUENCE = "Nats-Expected-Last-Sequence"
SEQUENCE = "Nats-Sequence"
TIMESTAMP = "Nats-Time-Stamp"
STATUS = "Status"
NOT_FOUND = "404"


class Error(msgspec.Struct, frozen=True):
    """A JetStream error; `server/errors.json` lists the codes."""

    code: int = 0
    err_code: int = 0
    description: str = ""

    def __str__(self) -> str:
        return f"{self.description} ({self.err_code})"


class Config(msgspec.Struct, frozen=True):
    """The relevant part of a stream's configuration."""

    name: str
    subjects: list[str] = []
    num_replicas: int = 1
    storage: str = "file"
    retention: str = "limits"
    discard: str = "old"
    max_bytes: int = -1
    max_age: int = 0
    max_msgs: int = -1
    allow_direct: bool = False
    persist_mode: str = "default"
    metadata: dict[str, str] = {}


class State(msgspec.Struct, frozen=True):
    """The contents of a stream."""

    messages: int
    bytes: int
    first_seq: int
    first_ts: str
    last_seq: int


class Replica(msgspec.Struct, frozen=True):
    """A replica of a stream other than its leader."""

    offline: bool = False
    active: int = 0
    """Nanoseconds since the leader last heard from it."""


class Cluster(msgspec.Struct, frozen=True):
    leader: str = ""
    replicas: list[Replica] = []


class Info(msgspec.Struct, frozen=True):
    """The answer to STREAM.INFO, STREAM.CREATE and STREAM.UPDATE; without an error it has the first two."""

    config: Config | None = None
    state: State | None = None
    cluster: Cluster | None = None
    error: Error | None = None


class Published(msgspec.Struct, frozen=True):
    """The answer to a published message; without an error it is stored."""

    seq: int = 0
    error: Error | None = None


class Done(msgspec.Struct, frozen=True):
    """The answer to any other request."""

    error: Error | None = None


read_info = msgspec.json.Decoder(Info).decode
read_published = msgspec.json.Decoder(Published).decode
read_done = msgspec.json.Decoder(Done).decode
_encode = msgspec.json.Encoder().encode


def encode(**fields: Any) -> bytes:
    """Return a request as JSON."""
    return _encode(fields)


def milliseconds(timestamp: str) -> int:
    """Return a server's time, as written in a header, in milliseconds since 1970."""
    return int(datetime.fromisoformat(timestamp).timestamp() * 1000)
