"""Stand-ins, written by hand, for what a test must do without."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn, cast

import anyio
import msgspec

from gateway import event
from gateway.errors import JournalUnavailable, TryLater
from gateway.journal.chunk import ANYTHING
from gateway.message import DecodedSubmission
from gateway.sinks.base import Batch, Connection, Sink
from gateway.submission import Submission

_FIELDS = {field.encode_name for field in msgspec.structs.fields(event.Event)}


class MemoryJournal:
    """Implements journal.base.Appending: keeps lines in memory, or fails with `trouble` and keeps nothing."""

    def __init__(self, trouble: TryLater | None = None) -> None:
        self.trouble = trouble
        self.lines: list[bytes] = []
        self.carries: list[int] = []
        """What each submission was said to carry."""
        self.partitions: list[int] = []
        """Of each event, if the endpoint spreads them."""

    async def append(
        self,
        blocks: Sequence[bytes],
        carries: int = ANYTHING,
        count: int | None = None,
        partitions: Sequence[int] = (),
        /,
    ) -> None:
        if self.trouble:
            raise self.trouble
        lines = [line for block in blocks for line in block.split(b"\n")]
        assert len(lines) == (len(blocks) if count is None else count), "an event has a line break in it"
        self.lines.extend(lines)
        self.carries.append(carries)
        self.partitions.extend(partitions)

    def append_then(
        self,
        block: bytes,
        carries: int,
        count: int,
        done: Callable[[JournalUnavailable | None], None],
        partitions: Sequence[int] = (),
        /,
    ) -> None:
        task = asyncio.ensure_future(self.append((block,), carries, count, partitions))
        task.add_done_callback(lambda task: done(cast("JournalUnavailable | None", task.exception())))

    @property
    def events(self) -> list[dict[str, Any]]:
        return [read_strictly(line) for line in self.lines]


class Unmeasured:
    """A dialect that does not say how large the events of a batch are."""

    def __init__(self, dialect: Any) -> None:
        self._dialect = dialect

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dialect, name)

    def decode(self, submission: Submission) -> DecodedSubmission:
        found: DecodedSubmission = self._dialect.decode(submission)
        found.measure = None
        return found


def read_strictly(line: bytes) -> dict[str, Any]:
    """A line as the pickiest reader takes it: one line of standard JSON in UTF-8, with known fields only."""
    assert b"\n" not in line
    event.read(line)
    fields: dict[str, Any] = json.loads(line.decode(), parse_constant=_refuse)
    json.dumps(fields, ensure_ascii=False).encode()  # or half a surrogate pair is left in it
    assert fields.keys() <= _FIELDS
    return fields


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"no JSON: {constant}")


class ScriptedSink(Sink, tag="scripted"):
    """
    Answers each write with the next step of its script, and afterwards takes everything.

    A step is an error to raise, something to do once the batch was taken, or None.
    """

    script: deque[Exception | Callable[[], object] | None] = msgspec.field(default_factory=deque)
    batches: list[list[bytes]] = msgspec.field(default_factory=list)
    """What it took."""
    connections: list[bytes] = msgspec.field(default_factory=list)
    """The receipts that each was given."""
    writes: int = 0
    """How often it was asked, with success or without."""
    news: anyio.Event = msgspec.field(default_factory=anyio.Event)

    @property
    def taken(self) -> list[bytes]:
        return [line for batch in self.batches for line in batch]

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        self.connections.append(receipt)
        yield ScriptedConnection(self)

    async def took(self, count: int) -> None:
        """Return once it has taken as many events."""
        while len(self.taken) < count:
            await self.news.wait()


class ScriptedConnection:
    receipt = b""

    def __init__(self, sink: ScriptedSink) -> None:
        self._sink = sink

    async def write(self, batch: Batch, /) -> bytes:
        sink = self._sink
        sink.writes += 1
        step = sink.script.popleft() if sink.script else None
        if isinstance(step, Exception):
            raise step
        sink.batches.append(batch.lines)
        if step:
            step()
        sink.news.set()
        sink.news = anyio.Event()
        return b"%d taken" % len(sink.taken)
