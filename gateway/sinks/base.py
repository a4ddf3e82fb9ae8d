"""What every sink offers, and what every sink's table in gateway.toml may say."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ClassVar, Literal, Protocol

import msgspec

from gateway.config import paths
from gateway.sources import Vocabulary

EventType = Literal["identify", "track", "page", "screen", "group", "alias"]


class Batch(msgspec.Struct, frozen=True):
    """A run of positions of one partition, less the events that are not for the sink."""

    sink: str
    partition: str
    first: int
    """Position of the first event of the run."""
    end: int
    """One past the position of its last."""
    count: int
    """Events in `data`; at least 1."""
    data: bytes
    """The events, one JSON object a line, each line with its line end."""

    @property
    def id(self) -> str:
        """The same for the same run of positions, after a crash too."""
        return f"{self.sink}/{self.partition}/{self.first}-{self.end}"

    @property
    def lines(self) -> list[bytes]:
        """The events without line ends."""
        return self.data.split(b"\n")[:-1]


class Connection(Protocol):
    """A sink that is open and takes batches, one after the other."""

    receipt: bytes
    """What to record before the first write; b"" if nothing."""

    async def write(self, batch: Batch, /) -> bytes:
        """
        Take the whole batch and return the receipt, or raise SinkUnavailable.

        The receipt is recorded in one transaction with the batch's position. Batches of several partitions
        alternate in any order.
        """
        ...


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

    uses_stdout: ClassVar[bool] = False
    """True if it writes to standard output, which is then its alone."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the sink writes, and no other may."""
        return ()

    def check(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the text of each mistake in the table."""
        for file in self.files:
            try:
                paths.check_file(file)
            except ValueError as error:
                yield "path", str(error)

    def connect(self, name: str, receipt: bytes) -> AbstractAsyncContextManager[Connection]:
        """
        Open whatever the sink needs for as long as the block lasts, or raise SinkUnavailable.

        `name` is the sink's name in the configuration, `receipt` the last that was recorded, b"" at first.
        After an error the block is left and entered again. A batch that was written but not recorded comes
        again: from the same `first`, perhaps with another `end`, and not necessarily before the batches of
        other partitions.
        """
        raise NotImplementedError
