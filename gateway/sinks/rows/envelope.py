"""
The envelope of rows: canonical events as rows of one table, whose columns no event can change.

What is not interpreted stays JSON, byte for byte. The promoted columns (see promoted.py) follow the envelope.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway.sinks.rows.promoted import ColumnType, Promoted


class Column(NamedTuple):
    """
    A column of a table.

    Depending on the type, a value is a str, a 64-bit int, a finite float, a bool, a datetime in UTC, or JSON
    in a msgspec.Raw; or None.
    """

    name: str
    type: ColumnType


ENVELOPE = (
    *(Column(name, "text") for name in ("id", "type", "event", "name", "category", "channel")),
    *(Column(name, "text") for name in ("source", "dialect")),
    *(Column(name, "text") for name in ("user_id", "anonymous_id", "group_id", "previous_id")),
    *(Column(name, "timestamp") for name in ("timestamp", "received_at", "sent_at", "original_timestamp")),
    *(Column(name, "json") for name in ("properties", "traits", "context", "more")),
    Column("position", "text"),
)
"""The columns of every row, in order. `id` is the messageId, `position` is written "0/12345"."""

LOADED_AT = Column("loaded_at", "timestamp")
"""The time at which the row was written; it follows the envelope, and the sink or the target fills it in."""

REQUIRED = frozenset(
    name
    for name, type in ENVELOPE
    if type == "json" or name in ("id", "type", "source", "dialect", "timestamp", "received_at", "position")
)
"""The columns that are never None."""


_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class _Origin(msgspec.Struct, rename="camel", gc=False):
    name: str
    dialect: str
    site_id: str | UnsetType = UNSET
    route: str | UnsetType = UNSET


class _Event(msgspec.Struct, rename="camel", gc=False):
    type: str
    message_id: str
    properties: Raw
    traits: Raw
    context: Raw
    timestamp: _Instant
    received_at: _Instant
    source: _Origin
    integrations: Raw | UnsetType = UNSET
    user_id: str | None = None
    anonymous_id: str | None = None
    group_id: str | None = None
    previous_id: str | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    channel: str | None = None
    sent_at: _Instant | None = None
    original_timestamp: _Instant | None = None
    warnings: Raw | UnsetType = UNSET
    extras: Raw | UnsetType = UNSET
    native: Raw | UnsetType = UNSET


class _Unread(_Event, rename="camel", gc=False):
    """An event whose client stated a time that cannot be read; it is kept as the client wrote it."""

    original_timestamp: Any = None
    sent_at: Any = None


class _More(msgspec.Struct, rename="camel", gc=False):
    integrations: Raw | UnsetType = UNSET
    warnings: Raw | UnsetType = UNSET
    extras: Raw | UnsetType = UNSET
    native: Raw | UnsetType = UNSET
    site_id: str | UnsetType = UNSET
    route: str | UnsetType = UNSET
    original_timestamp: Any = UNSET
    sent_at: Any = UNSET


_decode = msgspec.json.Decoder(_Event).decode
_decode_unread = msgspec.json.Decoder(_Unread).decode
_decode_instant = msgspec.json.Decoder(_Instant).decode
_encode = msgspec.json.Encoder().encode
_NO_INTEGRATIONS = Raw(b"{}")


class Rows:
    """Makes rows of the canonical events of batches. Immutable."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        """`columns` are the promoted columns of a sink, which promoted.mistakes() has found valid."""
        self._promoted = Promoted(columns) if columns else None
        promoted = self._promoted.types.items() if self._promoted else ()
        self.columns = (*ENVELOPE, *(Column(name, type) for name, type in promoted))
        """The columns of a row, in order."""

    def read(self, line: bytes, position: str) -> tuple[Any, ...]:
        """Return the row of an event. Raises one of raw.values.UNDECODABLE if the line is not an event."""
        unread_original: Any = UNSET
        unread_sent: Any = UNSET
        try:
            event = _decode(line)
        except msgspec.ValidationError:
            event, unread_original, unread_sent = _decode_leniently(line)
        source = event.source
        more = _More(
            UNSET if event.integrations == _NO_INTEGRATIONS else event.integrations,
            event.warnings,
            event.extras,
            event.native,
            source.site_id,
            source.route,
            unread_original,
            unread_sent,
        )
        row = (
            event.message_id,
            event.type,
            event.event,
            event.name,
            event.category,
            event.channel,
            source.name,
            source.dialect,
            event.user_id,
            event.anonymous_id,
            event.group_id,
            event.previous_id,
            event.timestamp,
            event.received_at,
            event.sent_at,
            event.original_timestamp,
            event.properties,
            event.traits,
            event.context,
            Raw(_encode(more)),
            position,
        )
        return row + self._promoted.read(event) if self._promoted else row


def _decode_leniently(line: bytes) -> tuple[_Event, Any, Any]:
    """Return an event without its unreadable stated times, and these times as they are in the event."""
    event = _decode_unread(line)
    original, sent = event.original_timestamp, event.sent_at
    event.original_timestamp, event.sent_at = _instant(original), _instant(sent)
    return (
        event,
        UNSET if original is None or event.original_timestamp else original,
        UNSET if sent is None or event.sent_at else sent,
    )


def _instant(value: Any) -> datetime | None:
    try:
        return _decode_instant(_encode(value))
    except msgspec.ValidationError:
        return None
