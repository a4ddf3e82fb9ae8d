"""The writer: lines that wait share a commit, and every append learns its result."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.errors import JournalUnavailable, Overloaded
from gateway.journal.base import Position
from gateway.journal.segments import files
from gateway.journal.segments.partition import Partition
from gateway.journal.segments.reader import Reader
from gateway.journal.writer import Writer
from tests.build import Read, event_line, event_lines, keep, open_log, open_partition, read_all
from tests.gateway import PATIENCE, until
from tests.journal.breaking import failing_sync, full_disk

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def writing(partition: Partition) -> AsyncIterator[Writer]:
    writer = Writer(partition)
    try:
        async with asyncio.timeout(PATIENCE):
            yield writer
    finally:
        await writer.close()


def newest(folder: Path) -> Path:
    return folder / files.name(files.listing(folder)[-1])


def commits(folder: Path) -> list[int]:
    """Return the number of events of each commit."""
    reader, position, found = Reader(folder), Position(0), []
    while part := reader.read(position):
        found += [chunk.count for chunk in part.chunks]
        position = part.end
    return found


async def test_lines_that_wait_together_are_committed_together(tmp_path: Path) -> None:
    async with writing(open_partition(tmp_path / "0")) as writer:
        await asyncio.gather(*(writer.append([event_line(number)]) for number in range(50)))

    assert commits(tmp_path / "0") == [50]
    assert read_all(tmp_path / "0").lines == event_lines(0, 50)


async def test_a_commit_is_limited_however_much_waits(tmp_path: Path) -> None:
    large = [event_line(number, properties={"filler": "x" * 1_500_000}) for number in range(6)]
    async with writing(open_partition(tmp_path / "0")) as writer:
        await asyncio.gather(*(writer.append([line]) for line in large))

    assert commits(tmp_path / "0") == [3, 3]
    assert read_all(tmp_path / "0").lines == large


async def test_lines_beyond_the_waiting_limit_are_refused_at_once(tmp_path: Path) -> None:
    line = event_line(properties={"filler": "x" * 1_000_000})
    async with writing(open_partition(tmp_path / "0")) as writer:
        with pytest.raises(Overloaded):
            writer.append([line] * 70)
        await writer.append(event_lines(0, 2))

    assert read_all(tmp_path / "0").lines == event_lines(0, 2)


async def test_committed_lines_no_longer_count_as_waiting(tmp_path: Path) -> None:
    line = event_line(properties={"filler": "x" * 1_000_000})
    async with writing(open_partition(tmp_path / "0", max_size=1)) as writer:
        for _ in range(3):
            with pytest.raises(JournalUnavailable):
                await writer.append([line] * 30)


async def test_every_append_of_a_failed_commit_fails(tmp_path: Path) -> None:
    async with writing(open_partition(tmp_path / "0")) as writer:
        await writer.append(event_lines(0, 1))
        with full_disk(newest(tmp_path / "0")):
            outcomes = await asyncio.gather(
                *(writer.append([event_line(number)]) for number in range(1, 4)), return_exceptions=True
            )

    assert [type(outcome) for outcome in outcomes] == [JournalUnavailable] * 3
    assert read_all(tmp_path / "0").lines == event_lines(0, 1)


async def test_commits_succeed_again_after_a_failure(tmp_path: Path) -> None:
    async with writing(open_partition(tmp_path / "0")) as writer:
        await writer.append(event_lines(0, 2))
        failing_sync(newest(tmp_path / "0"))
        with pytest.raises(JournalUnavailable):
            await writer.append(event_lines(2, 3))
        await writer.append(event_lines(2, 4))

    assert read_all(tmp_path / "0") == Read(event_lines(0, 4), 0, 4)


async def test_a_cancelled_append_does_not_affect_others(tmp_path: Path) -> None:
    async with writing(open_partition(tmp_path / "0")) as writer:
        gone, there = writer.append(event_lines(0, 1)), writer.append(event_lines(1, 2))
        gone.cancel()
        await there

    assert read_all(tmp_path / "0").lines == event_lines(0, 2)


async def test_a_writer_closes_after_all_appends_were_cancelled(tmp_path: Path) -> None:
    writer = Writer(open_partition(tmp_path / "0"))
    writer.append(event_lines(0, 1)).cancel()

    await writer.close()

    assert read_all(tmp_path / "0").lines == event_lines(0, 1)


async def test_a_probe_fails_with_the_reason(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 1))

    async with writing(open_partition(tmp_path / "0", max_size=1)) as writer:
        with pytest.raises(JournalUnavailable, match="full"):
            await writer.probe()


async def test_a_probe_after_a_failure_tries_a_commit(tmp_path: Path) -> None:
    async with writing(open_partition(tmp_path / "0")) as writer:
        await writer.append(event_lines(0, 1))
        with full_disk(newest(tmp_path / "0")):
            with pytest.raises(JournalUnavailable):
                await writer.append(event_lines(1, 2))
            with pytest.raises(JournalUnavailable):
                await writer.probe()
        await writer.probe()


async def test_a_writer_recovers_its_partition_first(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3))

    async with writing(open_log(tmp_path).partition("0")) as writer:
        await writer.append(event_lines(3, 4))

    assert read_all(tmp_path / "0") == Read(event_lines(0, 4), 0, 4)


async def test_a_removed_file_is_noticed_while_nothing_is_appended(tmp_path: Path) -> None:
    async with writing(open_partition(tmp_path / "0")) as writer:
        await writer.append(event_lines(0, 3))
        newest(tmp_path / "0").unlink()

        await asyncio.to_thread(until, lambda: files.listing(tmp_path / "0"))

        assert read_all(tmp_path / "0").lines == event_lines(0, 3)


async def test_files_are_finished_between_commits(tmp_path: Path) -> None:
    async with writing(open_partition(tmp_path / "0", largest=1)) as writer:
        for number in range(3):
            await writer.append([event_line(number)])

    assert files.listing(tmp_path / "0") == [0, 1, 2, 3]
