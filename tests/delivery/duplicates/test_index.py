"""The index: exact whatever its filter says, bounded by generations, and of one journal and window."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.delivery.duplicates.database import IndexUnavailable
from gateway.delivery.duplicates.index import Index, Progress
from gateway.journal.base import Position, Slice
from gateway.journal.chunk import Chunk
from tests.build import JOURNAL
from tests.delivery.duplicates.timed_log import HOUR

DAY = 24 * HOUR


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index(tmp_path / "duplicates", JOURNAL, DAY)
    yield opened
    opened.close()


def slice_of(hours: float, *ids: str, first: int = 0) -> Slice:
    lines = [b'{"messageId":"%b","source":{"name":"default"}}\n' % id.encode() for id in ids]
    chunk = Chunk(first, len(ids), 1, round(hours * HOUR * 1000), 0, b"".join(lines))
    return Slice(Position(chunk.end, 1), [chunk])


@pytest.mark.parametrize("false_positives", [0.02, 0.5, 0.99])
def test_the_false_positives_of_a_filter_cost_no_event(tmp_path: Path, false_positives: float) -> None:
    index = Index(tmp_path / "duplicates", JOURNAL, DAY, false_positives)
    ids = [f"{number}" for number in range(10_000)]

    found = [index.judge("0", slice_of(0, *ids[n : n + 1000], first=n), 0) for n in range(0, 10_000, 1000)]
    repeated = index.judge("0", slice_of(1, *ids[-5:], "new", first=10_000), 0)

    assert found == [[]] * 10
    assert repeated == [10_000, 10_001, 10_002, 10_003, 10_004]
    index.close()


def test_an_index_that_was_closed_is_complete(tmp_path: Path) -> None:
    index = Index(tmp_path / "duplicates", JOURNAL, DAY)
    for hours in (0, 10, 20):
        index.judge("0", slice_of(hours, f"at {hours}", first=hours), hours)
    index.close()

    again = Index(tmp_path / "duplicates", JOURNAL, DAY)

    assert again.judge("1", slice_of(21, "at 0", "at 10", "at 20", "new"), 0) == [0, 1, 2]
    assert again.progress("0") == Progress(21, 20)
    assert again.progress("2") is None
    again.close()


def size(folder: Path) -> int:
    """Return the bytes of all tables, some of which may just be deleted."""
    found = 0
    for path in folder.glob("*.sst"):
        with suppress(FileNotFoundError):
            found += path.stat().st_size
    return found


def test_what_is_older_than_the_window_leaves_the_disk(tmp_path: Path) -> None:
    folder, sizes = tmp_path / "duplicates", []

    for hours in range(0, 150, 10):
        index = Index(folder, JOURNAL, DAY)  # what was in memory before is now in a file
        sizes.append(size(folder))
        ids = [f"{hours}-{number}" for number in range(1000)]
        index.judge("0", slice_of(hours, *ids, first=hours * 100), 0)
        index.close()

    assert max(sizes[8:]) <= 1.1 * max(sizes[:8])


def test_a_slice_without_chunks_moves_the_progress(index: Index) -> None:
    index.judge("0", Slice(Position(7), [], released=7), 3)
    index.restore("1", Slice(Position(9), [], damaged=9), 5, ())

    assert (index.progress("0"), index.progress("1")) == (Progress(7, 3), Progress(5, 5))


def test_only_new_events_with_verdicts_are_restored(index: Index) -> None:
    index.restore("0", slice_of(0, "a", "b", "c", "d"), 3, {1})

    assert index.judge("1", slice_of(1, "a", "b", "c", "d"), 0) == [0, 2]


@pytest.mark.parametrize(
    ("journal", "window"),
    [pytest.param(bytes(16), DAY, id="journal"), pytest.param(JOURNAL, 2 * DAY, id="window")],
)
def test_an_index_of_another_journal_or_window_is_refused(
    tmp_path: Path, index: Index, journal: bytes, window: float
) -> None:
    index.close()

    with pytest.raises(IndexUnavailable, match="another journal, window or version"):
        Index(tmp_path / "duplicates", journal, window)


def test_only_its_owner_can_read_the_index(index: Index, tmp_path: Path) -> None:
    assert (tmp_path / "duplicates").stat().st_mode & 0o777 == 0o700
