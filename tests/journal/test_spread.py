"""An appender over several partitions: group commit for each, one answer for a submission."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from gateway import metrics
from gateway.errors import JournalUnavailable, Overloaded
from gateway.journal.base import Promise
from gateway.journal.publisher import Publisher, Waiting, pieces
from gateway.journal.spread import Spread
from tests.build import event_line, event_lines

pytestmark = pytest.mark.anyio


class Chunk(NamedTuple):
    block: bytes
    carries: int
    events: int


class MemoryPartition:
    """Satisfies journal.publisher.Partition: keeps chunks in memory, once it is free."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.trouble = ""
        self.probes = 0
        self.free = asyncio.Event()
        self.free.set()

    async def append(self, block: bytes, carries: int, count: int, _: float, /) -> None:
        await self.free.wait()
        if self.trouble:
            raise JournalUnavailable(self.trouble)
        self.chunks.append(Chunk(block, carries, count))

    async def probe(self, _: float, /) -> None:
        self.probes += 1
        if self.trouble:
            raise JournalUnavailable(self.trouble)

    @property
    def lines(self) -> list[bytes]:
        return [line for chunk in self.chunks for line in chunk.block.split(b"\n")[:-1]]


@pytest.fixture
async def partitions() -> list[MemoryPartition]:
    return [MemoryPartition() for _ in range(3)]


@pytest.fixture
async def appender(partitions: list[MemoryPartition]) -> AsyncIterator[Spread]:
    waiting = Waiting(most=1_000_000)
    appender = Spread([Publisher(each, waiting) for each in partitions], waiting, Promise())
    yield appender
    await appender.close()


async def test_events_of_a_submission_are_grouped_by_partition(
    appender: Spread, partitions: list[MemoryPartition]
) -> None:
    await appender.append([b"\n".join(event_lines(0, 5))], 3, 5, [2, 0, 2, 2, 0])

    assert [each.lines for each in partitions] == [
        [event_line(1), event_line(4)],
        [],
        [event_line(0), event_line(2), event_line(3)],
    ]
    assert [(chunk.events, chunk.carries) for chunk in partitions[2].chunks] == [(3, 3)]


async def test_what_waits_while_a_chunk_is_under_way_is_the_next_chunk(
    appender: Spread, partitions: list[MemoryPartition]
) -> None:
    partitions[0].free.clear()
    waiting = [asyncio.ensure_future(appender.append([event_line(0)], 0, 1, [0]))]
    await turns()
    waiting += [asyncio.ensure_future(appender.append([line], 0, 1, [0])) for line in event_lines(1, 4)]
    await turns()
    partitions[0].free.set()
    await asyncio.gather(*waiting)

    assert [chunk.events for chunk in partitions[0].chunks] == [1, 3]


async def test_a_submission_of_which_a_part_is_not_stored_is_refused_and_not_counted(
    appender: Spread, partitions: list[MemoryPartition]
) -> None:
    partitions[1].trouble = "full"
    before = metrics.ACCEPTED.total

    with pytest.raises(JournalUnavailable, match="full"):
        await appender.append([b"\n".join(event_lines(0, 2))], 0, 2, [0, 1])

    assert partitions[0].lines == event_lines(0, 1)
    assert metrics.ACCEPTED.total == before


async def test_too_much_that_waits_is_refused_at_once(
    appender: Spread, partitions: list[MemoryPartition]
) -> None:
    for each in partitions:
        each.free.clear()
    waiting = [asyncio.ensure_future(appender.append([b"x" * 300_000], 0, 1, [place])) for place in range(3)]
    await turns()

    with pytest.raises(Overloaded):
        await appender.append([b"x" * 300_000], 0, 1, [0])

    for each in partitions:
        each.free.set()
    await asyncio.gather(*waiting)
    await appender.append([b"x" * 300_000], 0, 1, [0])


async def test_a_probe_fails_if_one_partition_does(
    appender: Spread, partitions: list[MemoryPartition]
) -> None:
    partitions[2].trouble = "no server leads the stream"

    with pytest.raises(JournalUnavailable, match="no server leads"):
        await appender.probe()


async def test_many_probes_ask_each_partition_once(
    appender: Spread, partitions: list[MemoryPartition]
) -> None:
    await asyncio.gather(*(appender.probe() for _ in range(100)))
    await appender.probe()

    assert [each.probes for each in partitions] == [1, 1, 1]


def test_a_block_larger_than_a_chunk_is_cut_between_events() -> None:
    blocks = [b"a" * 40, b"b" * 40 + b"\n" + b"c" * 40, b"d" * 200]

    found = pieces(blocks, 100)

    assert found == [
        (b"a" * 40 + b"\n" + b"b" * 40 + b"\n", 2),
        (b"c" * 40 + b"\n", 1),
        (b"d" * 200 + b"\n", 1),
    ]


async def turns() -> None:
    """Let the publishers begin what they can."""
    for _ in range(20):
        await asyncio.sleep(0)
