"""
The ends of the partitions, which the appenders of all gateways announce to each other.

Each chunk is published with the sequence that the stream must have before it, so that one of several
appenders succeeds and the others try again. For that they need the new end, which the first one announces in
a NATS message that is not stored. It may get lost: then they read the end from the stream.
"""

import asyncio
from contextlib import suppress
from typing import NamedTuple


class Tail(NamedTuple):
    """The end of a partition."""

    sequence: int
    """The sequence of the last message; 0 if there never was one."""
    number: int
    """The number of the next event."""
    epoch: int
    """The epoch of the last event; 0 if there is none."""


class Tails:
    """The last known end of each partition. Bound to one event loop."""

    def __init__(self) -> None:
        self._known: dict[str, Tail] = {}
        self._changed = asyncio.Event()

    def get(self, partition: str) -> Tail | None:
        return self._known.get(partition)

    def learn(self, partition: str, tail: Tail) -> None:
        """Note an end that is beyond the last known one."""
        known = self._known.get(partition)
        if known is None or tail.sequence > known.sequence:
            self._known[partition] = tail
            self._changed.set()
            self._changed = asyncio.Event()

    def forget(self, partition: str) -> None:
        """Forget an end, because the stream no longer has it."""
        self._known.pop(partition, None)

    def hear(self, announcement: bytes) -> None:
        """Note what `announce` wrote. Anything else is ignored."""
        with suppress(ValueError):
            partition, *numbers = announcement.split()
            self.learn(partition.decode(), Tail(*map(int, numbers[:3])))

    async def after(self, partition: str, sequence: int, seconds: float) -> Tail | None:
        """Return the end as soon as it is after `sequence`; None if it is not within `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    known, changed = self._known.get(partition), self._changed
                    if known and known.sequence > sequence:
                        return known
                    await changed.wait()
        return None


def announce(partition: str, tail: Tail) -> bytes:
    """Return the announcement of an end."""
    return b"%b %d %d %d" % (partition.encode(), *tail)
