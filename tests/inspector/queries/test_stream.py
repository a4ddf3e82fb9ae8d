"""The live tail: nothing is missing but what is counted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from gateway.inspector.queries.errors import InvalidQuery
from gateway.inspector.queries.filters import Filter
from gateway.inspector.queries.stream import Burst, Follower, tail
from gateway.inspector.search.wanted import Matcher, Wanted
from gateway.journal.segments import files
from tests.build import event_line, event_lines
from tests.gateway import PATIENCE
from tests.inspector.inspecting import fill, inspection

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def bursts(folder: Path, filter: Filter, positions: str = "") -> AsyncIterator[AsyncIterator[Burst]]:
    """Open a tail for the duration of the block."""
    opened = tail(inspection(folder), filter, positions)
    try:
        with anyio.fail_after(PATIENCE):
            yield opened
    finally:
        await opened.aclose()


async def ids(found: AsyncIterator[Burst], count: int) -> list[str]:
    """Return the next ids of messages."""
    ids: list[str] = []
    while len(ids) < count:
        ids += [row.message_id for row in (await anext(found)).rows]
    return ids


async def test_it_begins_with_what_comes_from_now_on(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 3))

    async with bursts(tmp_path, Filter()) as found:
        first = await anext(found)
        fill(tmp_path, event_lines(3, 5))
        fill(tmp_path, event_lines(5, 7), partition="1")

        assert (first.rows, first.positions) == ([], "0/3")
        assert sorted(await ids(found, 4)) == ["m3", "m4", "m5", "m6"]


async def test_it_goes_on_from_positions(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 5))
    fill(tmp_path, event_lines(5, 9), partition="1")

    async with bursts(tmp_path, Filter(), "0/3") as found:
        burst = await anext(found)

    assert [row.position for row in burst.rows] == ["0/3", "0/4", "1/0", "1/1", "1/2", "1/3"]
    assert (burst.positions, burst.dropped) == ("0/5,1/4", 0)


async def test_only_events_that_match_are_shown(tmp_path: Path) -> None:
    async with bursts(tmp_path, Filter(user="u2", text="LEFT")) as found:
        await anext(found)
        fill(tmp_path, [event_line(0), event_line(1, userId="u2"), event_line(2, userId="u2", event="Left")])

        assert await ids(found, 1) == ["m2"]


async def test_a_burst_without_rows_shows_that_it_lives(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 3))

    async with bursts(tmp_path, Filter(user="nobody"), "0/0") as found:
        both = [await anext(found), await anext(found)]

    assert [(burst.rows, burst.positions) for burst in both] == [([], "0/3")] * 2


async def test_no_refused_event_is_shown_and_no_other(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 3))

    async with bursts(tmp_path, Filter(verdict="refused"), "0/0") as found:
        burst = await anext(found)

    assert (burst.rows, burst.positions) == ([], "0/3")


@pytest.mark.parametrize("positions", ["0", "0/x", "0/1;1/2", "0/-1", "<script>"])
async def test_positions_that_are_none_are_a_mistake(tmp_path: Path, positions: str) -> None:
    async with bursts(tmp_path, Filter(), positions) as found:
        with pytest.raises(InvalidQuery, match="Last-Event-ID"):
            await anext(found)


async def test_a_reader_that_is_too_far_behind_passes_over_the_oldest(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 500))
    follower = Follower(inspection(tmp_path), Matcher(Wanted()), {"0": 40}, most_behind=400)

    burst = follower.read()
    follower.close()

    assert burst.dropped == 60
    assert burst.rows[0].position == "0/100"
    assert len(burst.rows) == 400
    assert not follower.has_more


async def test_a_burst_has_a_bounded_size(tmp_path: Path) -> None:
    lines = [event_line(number, properties={"x": "x" * 10_000}) for number in range(1000)]
    fill(tmp_path, lines, chunk=10)
    follower = Follower(inspection(tmp_path), Matcher(Wanted()), {"0": 0})

    found: list[Burst] = []
    while not found or follower.has_more:
        found.append(follower.read())
    follower.close()

    assert len(found) == 3
    assert sum(len(burst.rows) for burst in found) == 1000


@pytest.mark.parametrize(
    ("filter", "shown", "more"),
    [
        (Wanted(), ["m7", "m8", "m9"], 7),
        (Wanted(type="track"), ["m7", "m8", "m9"], 7),
        (Wanted(text="m4"), ["m4"], 0),
    ],
)
async def test_only_the_newest_are_rows_where_few_are_asked_for(
    tmp_path: Path, filter: Wanted, shown: list[str], more: int
) -> None:
    fill(tmp_path, event_lines(0, 10), chunk=2)
    follower = Follower(inspection(tmp_path), Matcher(filter), {"0": 0}, most_rows=3)

    burst = follower.read()
    follower.close()

    assert ([row.message_id for row in burst.rows], burst.more) == (shown, more)


async def test_released_events_are_counted(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 10))
    fill(tmp_path, event_lines(10, 12))
    (tmp_path / "0" / files.name(0)).unlink()

    async with bursts(tmp_path, Filter(), "0/4") as found:
        burst = await anext(found)

    assert ([row.message_id for row in burst.rows], burst.dropped) == (["m10", "m11"], 6)


async def test_after_another_journal_was_restored_it_goes_on_with_the_oldest_event(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 3))

    async with bursts(tmp_path, Filter(), "0/50") as found:
        assert await ids(found, 3) == ["m0", "m1", "m2"]
