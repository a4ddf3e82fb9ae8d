"""What a broker needs to know about an event: its ids, and the parts of its topic's name."""

import msgspec

from gateway.errors import Culprit, SinkRefused
from gateway.raw.values import UNDECODABLE
from gateway.sinks.base import Batch


class _Origin(msgspec.Struct, gc=False):
    name: str


class Excerpt(msgspec.Struct, rename="camel", gc=False):
    """The part of a canonical event that its message repeats."""

    message_id: str
    type: str
    source: _Origin
    user_id: str | None = None
    anonymous_id: str | None = None

    @property
    def person(self) -> str:
        """The id by which the events of a person are kept in order; empty if there is none."""
        return self.user_id or self.anonymous_id or ""


_decode = msgspec.json.Decoder(Excerpt).decode


def read(batch: Batch) -> list[Excerpt]:
    """Return an excerpt of each event. Raises SinkRefused, with culprits, if lines are not events."""
    excerpts = []
    culprits = {}
    for index, line in enumerate(batch.lines):
        try:
            excerpts.append(_decode(line))
        except UNDECODABLE as error:
            culprits[index] = Culprit(f"not a canonical event: {error}", "invalid_event")
    if culprits:
        raise SinkRefused("some lines are not events", culprits)
    return excerpts
