"""Decide which events go to a sink, and for which reason the others do not."""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway.raw import truth
from gateway.sinks.base import Sink
from gateway.state.tally import Tally


class _Source(msgspec.Struct):
    name: str


class _Context(msgspec.Struct):
    consent: Raw | UnsetType = UNSET


class _Consent(msgspec.Struct, rename="camel"):
    category_preferences: dict[str, Raw] = {}


class _View(msgspec.Struct):
    """The fields of an event that decide."""

    type: str
    source: _Source
    context: _Context
    integrations: dict[str, Raw]


_view = msgspec.json.Decoder(_View).decode
_consent = msgspec.json.Decoder(_Consent).decode


class Route:
    """The rules of one sink, as its table says."""

    def __init__(self, name: str, sink: Sink) -> None:
        self.integration = sink.integration or name
        self.sources = frozenset(sink.sources)
        self.types = frozenset(sink.types)
        self.consent = sink.consent

    def sort(self, lines: Iterable[bytes]) -> tuple[list[bytes], Tally]:
        """Return the lines for this sink, in their order, and how many were filtered for which reason."""
        kept, filtered = [], Tally()
        for line in lines:
            reason = self._objection(_view(line))
            if reason:
                filtered[("filtered", reason)] += 1
            else:
                kept.append(line)
        return kept, filtered

    def _objection(self, event: _View) -> str | None:
        if self.sources and event.source.name not in self.sources:
            return "source"
        if self.types and event.type not in self.types:
            return "type"
        if self.consent and not self._granted(event.context.consent):
            return "consent"
        return None if truth.allows(event.integrations, self.integration) else "integrations"

    def _granted(self, consent: Raw | UnsetType) -> bool:
        """Return whether all the sink's categories are granted, as they are if there is no consent object."""
        if isinstance(consent, UnsetType):
            return True
        try:
            preferences = _consent(consent).category_preferences
        except msgspec.ValidationError:
            return False
        return all(truth.grants(preferences, category) for category in self.consent)
