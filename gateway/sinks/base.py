"""The interface of sinks, and the keys that every sink's table in gateway.toml may have."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ClassVar, Protocol

import msgspec

from gateway.config import paths
from gateway.event import EventType
from gateway.sources import Vocabulary


class Batch(msgspec.Struct, frozen=True):
    """The events of a range of positions in one partition, without those that are not for the sink."""

    sink: str
    """The name of the sink in the configuration."""
    partition: str
    first: int
    """The position of the first event of the range."""
    end: int
    """One past the position of its last event."""
    count: int
    """Number of events in `data`; at least 1, at most `end - first`."""
    data: bytes
    """The events, one JSON object per line, each with its line end."""

    @property
    def id(self) -> str:
        """An id that is the same whenever the same range is delivered, also after a crash."""
        return f"{self.sink}/{self.partition}/{self.first}-{self.end}"

    @property
    def lines(self) -> list[bytes]:
        """The events without line ends."""
        return self.data.split(b"\n")[:-1]


class Connection(Protocol):
    """An open sink. Used on one event loop, by one task, for one batch at a time."""

    receipt: bytes
    """A receipt to record before the first write, or b"". Ignored if one has been recorded before."""

    async def write(self, batch: Batch, /) -> bytes:
        """
        Write the whole batch, and return a receipt once it is as durable as the sink can make it.

        The receipt is recorded in one transaction with the batch's end position, and given to the next
        `connect`; b"" retains the recorded one. Batches of several partitions may alternate in any order.

        Raises SinkUnavailable if the batch cannot be written now. After any exception, or if the call is
        cancelled, some or all of the batch may have been written; the connection is closed, and the events
        are delivered again (see Sink.connect). The call must not block the event loop.
        """
        ...


class Sink(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """A destination of events, as its table in gateway.toml configures it."""

    integration: str = ""
    """Its name in an event's `integrations`; by default the name of its table."""
    sources: tuple[str, ...] = ()
    """Deliver only events of these sources; () means all."""
    types: tuple[EventType, ...] = ()
    """Deliver only events of these types; () means all."""
    consent: tuple[str, ...] = ()
    """Consent categories that a person must have granted, all of them."""
    translate: Vocabulary | None = None
    """The vocabulary into which commerce events are translated; None leaves them unchanged."""

    uses_stdout: ClassVar[bool] = False
    """True if it writes to standard output, which is then its alone."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the sink writes, and no other may."""
        return ()

    @property
    def target(self) -> str:
        """The place that events go to, as people are told; it has no secret."""
        return ", ".join(map(str, self.files))

    def check(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the text of each mistake in the table."""
        for file in self.files:
            try:
                paths.check_file(file)
            except ValueError as error:
                yield "path", str(error)

    def connect(self, name: str, receipt: bytes) -> AbstractAsyncContextManager[Connection]:
        """
        Open the sink for the duration of the block. Raises SinkUnavailable.

        `name` is the sink's name in the configuration. `receipt` is the last recorded receipt, or b"" if
        there is none; it may come from a sink of another kind that had the same name.

        Delivery leaves the block after every failure, waits, and connects again, forever. A process has at
        most one connection per sink. A batch that was written but not recorded is delivered again: from the
        same `first`, possibly with another `end`, and not necessarily before batches of other partitions.
        """
        raise NotImplementedError
