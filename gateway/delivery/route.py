"""Routing: select the events for a sink, and tell why others are filtered."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway.raw import truth, wildcards
from gateway.sinks.base import Sink


class _Source(msgspec.Struct):
    name: str


class _Context(msgspec.Struct):
    consent: Raw | UnsetType = UNSET


class _Consent(msgspec.Struct, rename="camel"):
    category_preferences: dict[str, Raw] = {}


class _View(msgspec.Struct):
    """The fields of an event that routing depends on."""

    type: str
    source: _Source
    context: _Context
    integrations: dict[str, Raw]
    event: str = ""


_decode_view = msgspec.json.Decoder(_View).decode
_decode_consent = msgspec.json.Decoder(_Consent).decode


class Route:
    """The filters of one sink, from its table in the configuration."""

    def __init__(self, name: str, sink: Sink) -> None:
        self.integration = sink.integration or name
        self.sources = frozenset(sink.sources)
        self.types = frozenset(sink.types)
        self.events = wildcards.compile(sink.events) if sink.events else None
        self.consent = sink.consent
        self.exclude = sink.exclude()

    def reason(self, line: bytes) -> str | None:
        """Return why the sink does not get an event, or None if it does."""
        event = _decode_view(line)
        if self.sources and event.source.name not in self.sources:
            return "source"
        if self.types and event.type not in self.types:
            return "type"
        if self.events and not self.events.fullmatch(event.event):
            return "event"
        if self.consent and not self._has_consent(event.context.consent):
            return "consent"
        if not truth.allows(event.integrations, self.integration):
            return "integrations"
        return self.exclude(event.type, event.event, line) if self.exclude else None

    def _has_consent(self, consent: Raw | UnsetType) -> bool:
        """Return True if all required categories are granted, or if the event has no consent object."""
        if isinstance(consent, UnsetType):
            return True
        try:
            preferences = _decode_consent(consent).category_preferences
        except msgspec.ValidationError:
            return False
        return all(truth.grants(preferences, category) for category in self.consent)
