"""A journal accepts its own positions and rejects all others."""

import time
from collections.abc import Callable

import pytest

from gateway.journal.base import ANY_EPOCH, Position, UnknownPosition
from tests.build import Read, event_line, event_lines, read_to_end
from tests.journal.engines import ENGINES, Engine, appending

pytestmark = pytest.mark.anyio


@pytest.fixture
async def engine(begin: Callable[[str], Engine]) -> Engine:
    """A journal with five events in four commits."""
    engine = begin("one")
    await fill(engine)
    return engine


async def fill(engine: Engine) -> None:
    async with appending(engine) as appender:
        for lines in (event_lines(0, 1), event_lines(1, 3), event_lines(3, 4), event_lines(4, 5)):
            await appender.append(lines)


def positions(engine: Engine) -> list[Position]:
    """Return all positions that a reader of minimal slices passes."""
    reader = engine.log.reader("0")
    found = [Position(0)]
    while part := reader.read(found[-1], limit=1):
        found.append(part.end)
    return found


def is_unknown(engine: Engine, position: Position) -> bool:
    """Return True if `read` and `accepts` reject a position."""
    reader = engine.log.reader("0")
    try:
        reader.read(position)
    except UnknownPosition:
        assert not reader.accepts(position)
        return True
    assert reader.accepts(position)
    return False


async def test_the_end_of_a_slice_is_the_position_to_continue_from(engine: Engine) -> None:
    found = positions(engine)

    assert [position.number for position in found] == [0, 1, 3, 4, 5]
    assert all(position.epoch != ANY_EPOCH for position in found[1:])
    for position in found:
        assert read_to_end(engine.log.reader("0"), position).lines == event_lines(position.number, 5)


async def test_a_position_in_the_middle_of_a_chunk_has_the_epoch_of_the_chunk(engine: Engine) -> None:
    middle = Position(2, positions(engine)[2].epoch)

    assert not is_unknown(engine, middle)
    assert read_to_end(engine.log.reader("0"), middle).lines == event_lines(2, 5)


@pytest.mark.parametrize("epoch", [pytest.param(ANY_EPOCH, id="any"), pytest.param(7, id="unknown")])
async def test_a_position_past_the_end_is_unknown(engine: Engine, epoch: int) -> None:
    assert is_unknown(engine, Position(6, epoch))


async def test_a_position_past_the_end_is_unknown_even_with_a_valid_epoch(engine: Engine) -> None:
    assert is_unknown(engine, Position(6, positions(engine)[-1].epoch))


@pytest.mark.parametrize("number", range(1, 6))
async def test_a_position_of_another_history_is_unknown(engine: Engine, number: int) -> None:
    assert is_unknown(engine, Position(number, 7))


async def test_two_journals_share_no_position(begin: Callable[[str], Engine]) -> None:
    one, other = begin("one"), begin("other")
    await fill(one)
    await fill(other)

    unknown = [is_unknown(one, position) for position in positions(other)]

    assert unknown == [False, True, True, True, True]  # position 0 belongs to every journal


async def test_an_unknown_position_names_the_oldest_and_newest_event(engine: Engine) -> None:
    with pytest.raises(UnknownPosition, match="0 to 5") as caught:
        engine.log.reader("0").read(Position(9, 7))

    assert (caught.value.position, caught.value.oldest, caught.value.newest) == (Position(9, 7), 0, 5)


async def test_positions_stay_valid_after_a_crash(engine: Engine) -> None:
    before = positions(engine)
    async with appending(engine) as appender:
        await appender.append(event_lines(5, 6))
        found = engine.crashed()
    async with appending(found) as appender:
        await appender.append(event_lines(6, 8))

    after = positions(found)

    assert after[:5] == before
    for position in after:
        assert read_to_end(found.log.reader("0"), position).lines == event_lines(position.number, 8)


async def test_positions_stay_valid_over_any_number_of_writers(engine: Engine) -> None:
    last = positions(engine)[-1]

    for _ in range(3):
        async with appending(engine):
            pass

    assert not is_unknown(engine, last)
    assert read_to_end(engine.log.reader("0"), last) == Read([], 0, 5)


# A copy of a topic is another topic, which has none of its positions.
@pytest.mark.parametrize("begin", [name for name in ENGINES if name != "kafka"], indirect=True)
async def test_a_position_newer_than_a_backup_is_unknown_to_it(engine: Engine) -> None:
    backup = engine.crashed()
    async with appending(engine) as appender:
        for lines in (event_lines(5, 6), event_lines(6, 8)):
            await appender.append(lines)
    async with appending(backup) as appender:
        await appender.append([event_line(number) for number in range(100, 103)])

    common, ahead = positions(engine)[:5], positions(engine)[5:]

    assert [is_unknown(backup, position) for position in common] == [False] * 5
    assert [is_unknown(backup, position) for position in ahead] == [True] * 2


async def test_a_position_before_the_oldest_event_is_accepted(engine: Engine) -> None:
    before = positions(engine)

    engine.log.release({"0": 5}, time.time() + 60)

    assert [is_unknown(engine, position) for position in before] == [False] * 5
