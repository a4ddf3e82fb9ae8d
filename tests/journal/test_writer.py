"""The writer: everything that waits goes into one commit, and whoever waits is told the truth."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.errors import JournalUnavailable, Overloaded
from gateway.journal import files
from gateway.journal.shard import Shard
from gateway.journal.writer import Writer
from tests.build import Read, event_line, event_lines, keep, open_shard, read_all
from tests.gateway import PATIENCE
from tests.journal.breaking import failing_sync, full_disk

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def writing(shard: Shard) -> AsyncIterator[Writer]:
    writer = Writer(shard)
    try:
        async with asyncio.timeout(PATIENCE):
            yield writer
    finally:
        await writer.close()


def log(folder: Path) -> Path:
    return Path(f"{files.files(folder)[-1].path}-wal")


def chunks(folder: Path) -> list[int]:
    """How many events each commit had."""
    found: list[int] = []
    for file in files.files(folder):
        connection = files.open_for_reading(file.path)
        found += [int(count) for (count,) in connection.execute("SELECT count FROM chunks ORDER BY id")]
        connection.close()
    return found


async def test_what_was_acknowledged_can_be_read(tmp_path: Path) -> None:
    async with writing(open_shard(tmp_path / "0")) as writer:
        await writer.append(event_lines(0, 3))

        assert read_all(tmp_path / "0") == Read(event_lines(0, 3), 0, 3)


async def test_what_waits_together_is_committed_together(tmp_path: Path) -> None:
    async with writing(open_shard(tmp_path / "0")) as writer:
        await asyncio.gather(*(writer.append([event_line(number)]) for number in range(50)))

    assert chunks(tmp_path / "0") == [50]
    assert read_all(tmp_path / "0").lines == event_lines(0, 50)


async def test_the_lines_of_one_submission_stay_together_and_in_order(tmp_path: Path) -> None:
    async with writing(open_shard(tmp_path / "0")) as writer:
        for start in range(0, 60, 20):
            await asyncio.gather(*(writer.append(event_lines(n, n + 2)) for n in range(start, start + 20, 2)))

    assert read_all(tmp_path / "0").lines == event_lines(0, 60)


async def test_a_commit_has_an_end_however_much_waits(tmp_path: Path) -> None:
    large = [event_line(number, properties={"filler": "x" * 1_500_000}) for number in range(6)]
    async with writing(open_shard(tmp_path / "0")) as writer:
        await asyncio.gather(*(writer.append([line]) for line in large))

    assert chunks(tmp_path / "0") == [3, 3]
    assert read_all(tmp_path / "0").lines == large


async def test_a_submission_without_events_is_acknowledged(tmp_path: Path) -> None:
    async with writing(open_shard(tmp_path / "0")) as writer:
        await writer.append([])
        await writer.append(event_lines(0, 1))

    assert read_all(tmp_path / "0") == Read(event_lines(0, 1), 0, 1)


async def test_more_than_can_wait_is_turned_away_at_once(tmp_path: Path) -> None:
    line = event_line(properties={"filler": "x" * 1_000_000})
    async with writing(open_shard(tmp_path / "0")) as writer:
        with pytest.raises(Overloaded):
            writer.append([line] * 70)
        await writer.append(event_lines(0, 2))

    assert read_all(tmp_path / "0").lines == event_lines(0, 2)


async def test_what_was_committed_does_not_wait_any_more(tmp_path: Path) -> None:
    line = event_line(properties={"filler": "x" * 1_000_000})
    async with writing(open_shard(tmp_path / "0", max_size=1)) as writer:
        for _ in range(3):
            with pytest.raises(JournalUnavailable):
                await writer.append([line] * 30)


async def test_everyone_in_a_commit_that_fails_is_told(tmp_path: Path) -> None:
    async with writing(open_shard(tmp_path / "0")) as writer:
        await writer.append(event_lines(0, 1))
        with full_disk(log(tmp_path / "0")):
            outcomes = await asyncio.gather(
                *(writer.append([event_line(number)]) for number in range(1, 4)), return_exceptions=True
            )

    assert [type(outcome) for outcome in outcomes] == [JournalUnavailable] * 3
    assert read_all(tmp_path / "0").lines == event_lines(0, 1)


async def test_after_a_failure_it_goes_on(tmp_path: Path) -> None:
    async with writing(open_shard(tmp_path / "0")) as writer:
        await writer.append(event_lines(0, 2))
        failing_sync(log(tmp_path / "0"))
        with pytest.raises(JournalUnavailable):
            await writer.append(event_lines(2, 3))
        await writer.append(event_lines(3, 4))

    assert read_all(tmp_path / "0").lines == event_lines(0, 2) + event_lines(3, 4)


async def test_a_client_that_went_away_harms_nobody(tmp_path: Path) -> None:
    async with writing(open_shard(tmp_path / "0")) as writer:
        gone, there = writer.append(event_lines(0, 1)), writer.append(event_lines(1, 2))
        gone.cancel()
        await there

    assert read_all(tmp_path / "0").lines == event_lines(0, 2)


async def test_a_probe_leaves_no_event(tmp_path: Path) -> None:
    async with writing(open_shard(tmp_path / "0")) as writer:
        await writer.probe()

        assert read_all(tmp_path / "0") == Read([], 0, 0)


async def test_a_probe_says_what_is_wrong(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 1))

    async with writing(open_shard(tmp_path / "0", max_size=1)) as writer:
        with pytest.raises(JournalUnavailable, match="full"):
            await writer.probe()


async def test_a_failure_is_known_to_the_next_probe(tmp_path: Path) -> None:
    async with writing(open_shard(tmp_path / "0")) as writer:
        await writer.append(event_lines(0, 1))
        with full_disk(log(tmp_path / "0")):
            with pytest.raises(JournalUnavailable):
                await writer.append(event_lines(1, 2))
            with pytest.raises(JournalUnavailable):
                await writer.probe()
        await writer.probe()


async def test_whoever_takes_over_recovers_first(tmp_path: Path) -> None:
    before = open_shard(tmp_path / "0")
    before.write(event_lines(0, 3))
    before.finish()

    async with writing(Shard(tmp_path / "0", before.room, 2**40, float("inf"))) as writer:
        await writer.append(event_lines(3, 4))

    assert read_all(tmp_path / "0") == Read(event_lines(0, 4), 0, 4)


async def test_to_close_finishes_what_was_begun_and_the_file(tmp_path: Path) -> None:
    writer = Writer(open_shard(tmp_path / "0"))
    waiting = [writer.append([event_line(number)]) for number in range(3)]
    await asyncio.gather(*waiting)

    await writer.close()

    [file] = files.files(tmp_path / "0")
    assert (file.log_size(), read_all(tmp_path / "0").lines) == (0, event_lines(0, 3))
