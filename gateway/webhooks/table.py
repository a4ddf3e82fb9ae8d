"""The table with which an operator describes a sender's webhooks, such as config/webhooks/stripe.toml."""

from collections.abc import Iterator

import msgspec

from gateway.config.units import Duration
from gateway.event import TYPES
from gateway.webhooks.places import Constant, Entries, Place
from gateway.webhooks.signature import Signature


class Fields(msgspec.Struct, frozen=True, rename="camel"):
    """The place of each field of an event."""

    type: Place = Constant("track")
    message_id: Place | None = None
    user_id: Place | None = None
    anonymous_id: Place | None = None
    group_id: Place | None = None
    previous_id: Place | None = None
    event: Place | None = None
    name: Place | None = None
    category: Place | None = None
    channel: Place | None = None
    timestamp: Place | None = None
    """In any format that events may have, or in seconds since 1970."""
    properties: Place | None = None
    traits: Place | None = None
    context: Place | None = None
    integrations: Place | None = None

    def places(self) -> dict[str, Place]:
        """Return the places that the table has, by the field's name in an event."""
        found = ((name, getattr(self, own)) for name, own in _NAMES)
        return {name: place for name, place in found if place is not None}

    def check(self) -> Iterator[tuple[str, str]]:
        """Yield the field and the text of each mistake that would refuse every webhook."""
        if isinstance(self.type, Constant):
            if self.type.text not in TYPES:
                yield "type", f"{self.type.text!r} is not one of {', '.join(sorted(TYPES))}"
            if self.type.text == "track" and self.event is None:
                yield "event", "missing; a track event needs a name"
        if self.user_id is None and self.anonymous_id is None:
            yield "userId", "missing; an event needs it, or an anonymousId"


_NAMES = [(field.encode_name, field.name) for field in msgspec.structs.fields(Fields)]


class Webhook(msgspec.Struct, frozen=True):
    """The mapping from a body to events, and the signature that verifies its sender."""

    fields: Fields
    events: Entries | None = None
    """The list with an entry for each event; without it, the body is one event."""
    signature: Signature | None = None
    tolerance: Duration = Duration(300)
    """Seconds that a signed time may differ from the time of receipt."""
