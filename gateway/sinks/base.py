"""The interface of sinks, and the keys that every sink's table in gateway.toml may have."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ClassVar, Literal, Protocol

import msgspec

from gateway.config import paths
from gateway.config.units import Duration, Positive, Size
from gateway.event import EventType
from gateway.sources import Vocabulary

Origin = Literal["live", "retry", "replay"]


Exclude = Callable[[str, str, bytes], str | None]
"""Takes an event's type, name and line; returns why the sink does not get it, or None if it does."""


class Batch(msgspec.Struct, frozen=True):
    """The events in a range of positions of one partition, without those that are not for the sink."""

    sink: str
    """The name of the sink in the configuration."""
    partition: str
    first: int
    """The first position of the range."""
    end: int
    """One past the last position of the range."""
    positions: Sequence[int]
    """The position of each event, ascending; at least one, and all in the range."""
    data: bytes
    """The events, one JSON object per line, each with its line end."""
    epoch: int = 0
    """
    The stretch of the partition's history to which all events belong: a random 64-bit number.

    Positions are reused after an older copy of the journal was restored, but never with the same epoch. A
    target that remembers a position must remember the epoch as well, and must not compare across epochs.
    """
    origin: Origin = "live"
    """
    live: the next events in order. retry: dead letters that the target has never taken. replay: events
    that the target may already have and that are sent again on purpose.
    """
    suffix: str = ""
    """Ends the id: names the job, if any, and tells content from earlier content of the same range."""

    @property
    def id(self) -> str:
        """The id of this content: the same whenever the same batch is delivered, even after a crash."""
        return f"{self.sink}/{self.partition}/{self.first}-{self.end}{self.suffix}"

    @property
    def count(self) -> int:
        """Number of events."""
        return len(self.positions)

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
        `connect`; b"" retains the recorded one. Batches of several partitions may alternate in any order, and
        retries and replays of older positions may come between them.

        Raises SinkUnavailable, SinkMisconfigured or SinkRefused. After a refusal the connection must be
        usable for the parts of the batch. After any other exception, or if the call is cancelled, some or all
        of the batch may have been written; the connection is closed, and the events are delivered again (see
        Sink.connect). The call must not block the event loop.
        """
        ...


class Sink(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """A destination of events, as configured by its table in gateway.toml."""

    integration: str = ""
    """Its name in an event's `integrations`; by default the name of its table."""
    sources: tuple[str, ...] = ()
    """Deliver only events of these sources; () means all."""
    types: tuple[EventType, ...] = ()
    """Deliver only events of these types; () means all."""
    events: tuple[str, ...] = ()
    """Deliver only events of these names, in which `*` stands for any characters; () means all."""
    consent: tuple[str, ...] = ()
    """Consent categories, all of which a person must have granted."""
    translate: Vocabulary | None = None
    """The vocabulary into which commerce events are translated; None leaves them unchanged."""
    batch_events: Positive = 10_000
    """The maximum number of events in a batch."""
    batch_bytes: Size = Size(4 * 1024**2)
    """The maximum size of a batch in bytes; only a batch of one event may be larger."""
    batch_time: Duration = Duration(0)
    """The longest time that a batch waits for more events; 0 means that none waits."""
    in_flight: Positive = 1
    """The maximum number of concurrent requests, for a sink that sends each event on its own."""
    retry_for: Duration | None = None
    """The time after which events that the sink could not take become dead letters; None: never."""
    node: str = ""
    """The gateway that delivers to it, if it is tied to one machine and gateways share the journal."""

    uses_stdout: ClassVar[bool] = False
    """True if it writes to standard output, which nothing else may then use."""
    once_by_batch: ClassVar[bool] = False
    """
    True if the target recognizes a batch by its id.

    Delivery then records the end of each batch before the first write, so that the same id has the same
    content after a crash. Sinks that recognize positions or events do not need it.
    """
    sends_each_event: ClassVar[bool] = False
    """True if each event is a separate request, so that `in_flight` may be above 1."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the sink writes, and that no other sink may write."""
        return ()

    @property
    def is_of_one_machine(self) -> bool:
        """True if only processes on one machine can write to it. Other sinks must not issue receipts."""
        return bool(self.files) or self.uses_stdout

    @property
    def target(self) -> str:
        """The place that events go to, for people to read; it contains no secret."""
        return ", ".join(map(str, self.files))

    def check(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the text of each mistake in the table."""
        if self.in_flight > 1 and not self.sends_each_event:
            yield "in_flight", "this sink has one request at a time"
        for file in self.files:
            try:
                paths.check_file(file)
            except ValueError as error:
                yield "path", str(error)

    def exclude(self) -> Exclude | None:
        """Return a filter in addition to those of the table; not thread-safe. None: there is none."""
        return None

    async def reach(self) -> None:
        """
        Make whatever connection to the target `connect` does not, and send nothing.

        For tests by an operator. Raises SinkUnavailable or SinkMisconfigured.
        """

    def connect(self, name: str, receipt: bytes) -> AbstractAsyncContextManager[Connection]:
        """
        Open the sink for the duration of the block. Raises SinkUnavailable or SinkMisconfigured.

        `name` is the sink's name in the configuration. `receipt` is the last recorded receipt, or b"" if
        there is none; it may come from a sink of another kind that had the same name.

        Delivery leaves the block after every failure, waits, and connects again, forever. A process has at
        most one connection per sink. A batch that was written but not recorded is delivered again: from the
        same `first`, with the same `end` if the sink is `once_by_batch` and possibly with another otherwise,
        and not necessarily before batches of other partitions.
        """
        raise NotImplementedError
