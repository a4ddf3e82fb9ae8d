"""The contract of every engine: append and read."""

import asyncio
import time

import pytest

from gateway.journal import chunk
from gateway.journal.base import Position, UnknownPosition
from tests.build import Read, event_line, event_lines, read_to_end
from tests.journal.engines import START, Engine, appending, chunks_of, put

pytestmark = pytest.mark.anyio


async def test_a_missing_partition_is_empty(engine: Engine) -> None:
    reader = engine.log.reader("0")

    assert reader.read(START) is None
    assert (reader.oldest(), reader.newest(), reader.seek(0)) == (0, 0, 0)
    assert (reader.accepts(START), reader.accepts(Position(1))) == (True, False)


async def test_acknowledged_events_can_be_read_at_once(engine: Engine) -> None:
    async with appending(engine) as appender:
        await appender.append(event_lines(0, 3))

        assert read_to_end(engine.log.reader("0"), START) == Read(event_lines(0, 3), 0, 3)


async def test_acknowledged_events_remain_after_their_writer_has_closed(engine: Engine) -> None:
    async with appending(engine) as appender:
        await put(appender, event_lines(0, 3), event_lines(3, 5))

    assert read_to_end(engine.log.reader("0"), START) == Read(event_lines(0, 5), 0, 5)


async def test_acknowledged_events_survive_a_crash(engine: Engine) -> None:
    async with appending(engine) as appender:
        await put(appender, event_lines(0, 3), event_lines(3, 5))
        found = engine.crashed()

    async with appending(found) as appender:
        await appender.append(event_lines(5, 6))

    assert read_to_end(found.log.reader("0"), START) == Read(event_lines(0, 6), 0, 6)


async def test_a_crashed_journal_can_be_read_before_it_is_written_again(engine: Engine) -> None:
    async with appending(engine) as appender:
        await put(appender, event_lines(0, 3), event_lines(3, 5))
        found = engine.crashed()

    assert read_to_end(found.log.reader("0"), START) == Read(event_lines(0, 5), 0, 5)


async def test_many_crashes_in_a_row_lose_nothing(engine: Engine) -> None:
    for number in range(5):
        async with appending(engine) as appender:
            await appender.append([event_line(number)])
            engine = engine.crashed()

    assert read_to_end(engine.log.reader("0"), START) == Read(event_lines(0, 5), 0, 5)


async def test_the_lines_of_one_append_stay_together_and_in_order(engine: Engine) -> None:
    async with appending(engine) as appender:
        for start in range(0, 60, 20):
            await asyncio.gather(
                *(appender.append(event_lines(first, first + 2)) for first in range(start, start + 20, 2))
            )

    assert read_to_end(engine.log.reader("0"), START).lines == event_lines(0, 60)


async def test_an_append_without_events_is_acknowledged_and_stores_none(engine: Engine) -> None:
    async with appending(engine) as appender:
        await put(appender, [], event_lines(0, 1))

    assert read_to_end(engine.log.reader("0"), START) == Read(event_lines(0, 1), 0, 1)


@pytest.mark.parametrize("number", range(8))
async def test_reading_can_start_at_any_position(engine: Engine, number: int) -> None:
    async with appending(engine) as appender:
        await put(appender, event_lines(0, 3), event_lines(3, 5), event_lines(5, 7))
    reader = engine.log.reader("0")

    if number > 7:
        with pytest.raises(UnknownPosition):
            reader.read(Position(number))
    else:
        assert read_to_end(reader, Position(number)) == Read(event_lines(number, 7), 0, 7)


async def test_a_reader_can_read_an_earlier_position_again(engine: Engine) -> None:
    async with appending(engine) as appender:
        await put(appender, event_lines(0, 3), event_lines(3, 5), event_lines(5, 7))
    reader = engine.log.reader("0")

    found = [read_to_end(reader, Position(number)).lines for number in (4, 0, 6, 1, 3)]

    assert found == [event_lines(number, 7) for number in (4, 0, 6, 1, 3)]


async def test_a_chunk_has_its_number_count_epoch_and_time(engine: Engine) -> None:
    async with appending(engine) as appender:
        before = time.time()
        await appender.append(event_lines(0, 2), chunk.CONSENT)
        await appender.append(event_lines(2, 5), 0)
        after = time.time()

    first, second = chunks_of(engine.log.reader("0"))

    assert (first.first, first.count, first.end, first.carries) == (0, 2, 2, chunk.CONSENT)
    assert (second.first, second.count, second.end, second.carries) == (2, 3, 5, 0)
    assert second.data == b"".join(line + b"\n" for line in event_lines(2, 5))
    assert int(before * 1000) <= first.received_at <= second.received_at <= after * 1000


@pytest.mark.parametrize("carries", range(chunk.ANYTHING + 1))
async def test_the_flags_of_an_append_are_stored_exactly(engine: Engine, carries: int) -> None:
    async with appending(engine) as appender:
        await appender.append(event_lines(0, 2), carries)
        found = engine.crashed()

    async with appending(found):
        pass

    assert [each.carries for each in chunks_of(found.log.reader("0"))] == [carries]


async def test_without_flags_events_may_carry_anything(engine: Engine) -> None:
    async with appending(engine) as appender:
        await appender.append(event_lines(0, 2))

    assert [each.carries for each in chunks_of(engine.log.reader("0"))] == [chunk.ANYTHING]


async def test_a_commit_has_the_flags_of_all_its_appends(engine: Engine) -> None:
    carries = [0, chunk.INTEGRATIONS, chunk.CONSENT]

    async with appending(engine) as appender:
        await asyncio.gather(*(appender.append([event_line(i)], each) for i, each in enumerate(carries)))

    found = chunks_of(engine.log.reader("0"))
    for number, each in enumerate(carries):
        [holding] = [one for one in found if one.first <= number < one.end]
        assert holding.carries & each == each
        assert holding.carries & chunk.PRODUCTS == 0


async def test_a_slice_is_limited_without_splitting_a_chunk(engine: Engine) -> None:
    large = [event_line(number, properties={"filler": "x" * 40_000}) for number in range(6)]
    async with appending(engine) as appender:
        await put(appender, large[:3], large[3:4], large[4:])
    reader = engine.log.reader("0")

    first, rest = reader.read(START, limit=1), reader.read(Position(3), limit=1)

    assert first
    assert (first.chunks[0].lines(), first.end.number) == (large[:3], 3)
    assert rest
    assert (rest.chunks[0].lines(), rest.end.number) == (large[3:4], 4)


async def test_events_larger_than_a_slice_are_read(engine: Engine) -> None:
    size = min(8_000_000, engine.largest_event - 1000)
    huge = [event_line(number, properties={"filler": "x" * size}) for number in range(2)]
    async with appending(engine) as appender:
        await put(appender, huge[:1], event_lines(1, 2), huge[1:])

    assert read_to_end(engine.log.reader("0"), START).lines == [huge[0], event_line(1), huge[1]]


async def test_a_reader_finds_events_appended_after_it_was_opened(engine: Engine) -> None:
    async with appending(engine) as appender:
        reader = engine.log.reader("0")
        position = START
        for number in range(5):
            assert reader.read(position) is None
            await appender.append([event_line(number)])
            part = reader.read(position)
            assert part
            assert [each.lines() for each in part.chunks] == [[event_line(number)]]
            assert (reader.oldest(), reader.newest()) == (0, number + 1)
            position = part.end


async def test_each_partition_has_its_own_numbers(engine: Engine) -> None:
    async with appending(engine, "0") as first, appending(engine, "1") as second:
        await put(first, event_lines(0, 3))
        await put(second, event_lines(10, 12), event_lines(12, 15))

    assert engine.log.partitions() == ["0", "1"]
    assert read_to_end(engine.log.reader("0"), START) == Read(event_lines(0, 3), 0, 3)
    assert read_to_end(engine.log.reader("1"), START) == Read(event_lines(10, 15), 0, 5)


async def test_a_probe_stores_no_event(engine: Engine) -> None:
    async with appending(engine) as appender:
        await appender.probe()
        await appender.append(event_lines(0, 1))
        await appender.probe()

    assert read_to_end(engine.log.reader("0"), START) == Read(event_lines(0, 1), 0, 1)


async def test_closing_completes_pending_appends(engine: Engine) -> None:
    appender = engine.appender("0")
    waiting = [asyncio.ensure_future(appender.append([event_line(number)])) for number in range(3)]

    await appender.close()

    assert all(each.done() for each in waiting)
    assert read_to_end(engine.log.reader("0"), START).lines == event_lines(0, 3)
