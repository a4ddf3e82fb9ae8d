"""What every sink offers, and what every sink's table in gateway.toml may say."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal

import msgspec

from gateway.sources import Vocabulary

EventType = Literal["identify", "track", "page", "screen", "group", "alias"]

Write = Callable[[Sequence[bytes]], Awaitable[bytes]]
"""
Take a whole batch of canonical events, each one line of JSON without the line's end, or raise
SinkUnavailable.

The first batch of a sink is empty, so that it can say where it begins.

What it returns is kept with the sink's position, in one transaction, and given to the next `connect`: by
it a sink can tell what it took from what it took and was never recorded.
"""


class Sink(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Where events go, as its table in gateway.toml describes it."""

    integration: str = ""
    """Its name in an event's `integrations`; the table's name if it is empty."""
    sources: tuple[str, ...] = ()
    """Only events of these sources; of all, if it is empty. So are the next two."""
    types: tuple[EventType, ...] = ()
    consent: tuple[str, ...] = ()
    """Categories that a person must have granted, all of them."""
    translate: Vocabulary | None = None
    """What the events of shops are called for it."""

    def connect(self, notes: bytes) -> AbstractAsyncContextManager[Write]:
        """
        Open whatever the sink needs for as long as the block lasts, or raise SinkUnavailable.

        `notes` is what the last recorded write returned, b"" at first. After an error the block is left
        and entered again.
        """
        raise NotImplementedError
