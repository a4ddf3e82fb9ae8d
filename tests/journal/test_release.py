"""The contract of every engine: seeking, size and release."""

import time

import pytest

from tests.build import Read, event_line, event_lines, read_to_end
from tests.gateway import until
from tests.journal.engines import START, Engine, appending, chunks_of, put

pytestmark = pytest.mark.anyio


def tick() -> None:
    """Wait for the next millisecond."""
    before = time.time_ns() // 10**6
    until(lambda: time.time_ns() // 10**6 > before)


async def test_an_empty_journal_has_size_0_and_is_not_low_on_space(engine: Engine) -> None:
    assert (engine.log.size(), engine.log.is_low_on_space()) == (0, False)


async def test_seek_finds_the_first_event_at_or_after_a_time(engine: Engine) -> None:
    async with appending(engine) as appender:
        for start in range(0, 6, 2):
            await appender.append(event_lines(start, start + 2))
            tick()
    reader = engine.log.reader("0")
    times = [each.received_at / 1000 for each in chunks_of(reader)]

    assert [reader.seek(each) for each in times] == [0, 2, 4]
    assert [reader.seek(each + 0.0015) for each in times] == [2, 4, 6]
    assert (reader.seek(0), reader.seek(time.time() + 1)) == (0, 6)


async def test_size_and_release_agree(engine: Engine) -> None:
    lines = [event_line(number, properties={"filler": "x" * 10_000}) for number in range(5)]
    async with appending(engine) as appender:
        await put(appender, *([line] for line in lines))
        full = engine.log.size()

        engine.log.release({"0": 5}, time.time() + 60)

        assert full >= sum(map(len, lines))
        left = engine.log.reader("0").oldest()
        assert engine.log.size() >= sum(map(len, lines[left:]))
        assert engine.log.size() < full or left == 0


@pytest.mark.parametrize(
    ("positions", "later"),
    [
        pytest.param({"0": 0}, 60, id="still needed"),
        pytest.param({}, 60, id="no position"),
        pytest.param({"1": 5}, 60, id="another partition"),
        pytest.param({"0": 5}, -60, id="within the retention time"),
    ],
)
async def test_no_needed_or_recent_event_is_released(
    engine: Engine, positions: dict[str, int], later: float
) -> None:
    async with appending(engine) as appender:
        await put(appender, *([line] for line in event_lines(0, 5)))
        engine.log.release(positions, time.time() + later)

    assert read_to_end(engine.log.reader("0"), START) == Read(event_lines(0, 5), 0, 5)


@pytest.mark.parametrize("position", range(6))
async def test_no_event_after_a_position_is_released(engine: Engine, position: int) -> None:
    async with appending(engine) as appender:
        await put(appender, *([line] for line in event_lines(0, 5)))
        engine.log.release({"0": position}, time.time() + 60)
    reader = engine.log.reader("0")

    oldest = reader.oldest()

    assert oldest <= position
    assert (reader.newest(), reader.seek(0)) == (5, oldest)
    assert read_to_end(reader, START) == Read(event_lines(oldest, 5), oldest, 5)
