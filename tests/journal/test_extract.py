"""Extraction of events from a journal, and its findings."""

from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.journal.base import UnknownPosition
from gateway.journal.segments.examine.extract import Selection, extract
from gateway.journal.segments.examine.findings import Finding
from gateway.journal.segments.examine.inventory import find
from gateway.journal.segments.files import Header
from tests.build import JOURNAL, event_line, event_lines, keep, open_partition
from tests.journal.breaking import flip
from tests.journal.crafted import chunk_of, write_file


class Extracted(NamedTuple):
    lines: list[bytes]
    codes: list[str]


def extracted(path: Path, selection: Selection = Selection()) -> Extracted:  # noqa: B008  # immutable
    lines: list[bytes] = []
    codes = []
    for found in extract(find(path), selection):
        if isinstance(found, Finding):
            codes.append(found.code)
        else:
            lines += found.chunk.lines()
    return Extracted(lines, codes)


def test_events_come_in_the_order_of_their_partitions_and_numbers(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 3))
    keep(tmp_path / "0", event_lines(3, 5))
    keep(tmp_path / "1", event_lines(10, 12))

    assert extracted(tmp_path) == Extracted(event_lines(0, 5) + event_lines(10, 12), [])


def test_events_can_be_limited_to_one_partition(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    keep(tmp_path / "1", event_lines(10, 12))

    assert extracted(tmp_path, Selection("1")) == Extracted(event_lines(10, 12), [])


@pytest.mark.parametrize("start", [0, 1, 2, 3, 4, 5])
def test_events_start_at_the_given_position(tmp_path: Path, start: int) -> None:
    keep(tmp_path / "0", event_lines(0, 3))
    keep(tmp_path / "0", event_lines(3, 5))

    assert extracted(tmp_path, Selection("0", start)) == Extracted(event_lines(start, 5), [])


def test_a_start_past_the_end_is_an_unknown_position(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3))

    with pytest.raises(UnknownPosition, match="position 4 does not belong to this journal, which has 0 to 3"):
        extracted(tmp_path, Selection("0", 4))


def test_a_start_before_the_oldest_event_is_reported(tmp_path: Path) -> None:
    gone = keep(tmp_path / "0", event_lines(0, 3))
    keep(tmp_path / "0", event_lines(3, 5))
    gone.unlink()

    assert extracted(tmp_path, Selection("0", 1)) == Extracted(event_lines(3, 5), ["not_kept"])


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        pytest.param(None, None, 0, 6, id="all"),
        pytest.param(2000, None, 1, 6, id="since a chunk"),
        pytest.param(2001, None, 2, 6, id="since between two"),
        pytest.param(5000, None, 4, 6, id="since in the next file"),
        pytest.param(None, 2000, 0, 1, id="until a chunk, exclusive"),
        pytest.param(None, 4500, 0, 4, id="until before a chunk of the next file"),
        pytest.param(3000, 6000, 2, 5, id="both"),
        pytest.param(9000, None, 6, 6, id="later than all"),
    ],
)
def test_events_are_selected_by_the_time_of_their_commit(
    tmp_path: Path, since: int | None, until: int | None, first: int, last: int
) -> None:
    chunks = [
        chunk_of(number, number + 1, epoch=7 + number // 3, at=1000 * (number + 1)) for number in range(6)
    ]
    write_file(tmp_path / "0", Header(JOURNAL, 0, 7, 0, 500), *chunks[:3])
    write_file(tmp_path / "0", Header(JOURNAL, 0, 8, 3, 4000), *chunks[3:])

    assert extracted(tmp_path, Selection(since=since, until=until)) == Extracted(event_lines(first, last), [])


def test_damaged_events_are_skipped_and_reported(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 4), event_lines(4, 5))
    flip(file, b"m3")

    assert extracted(tmp_path) == Extracted(event_lines(0, 2) + event_lines(4, 5), ["chunk_damaged"])


def test_damage_before_the_start_is_not_reported(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 4), event_lines(4, 5))
    flip(file, b"m3")

    assert extracted(tmp_path, Selection("0", 4)) == Extracted(event_lines(4, 5), [])


def test_missing_and_foreign_files_are_reported(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    gone = keep(tmp_path / "0", event_lines(2, 4))
    keep(tmp_path / "0", event_lines(4, 5))
    write_file(tmp_path / "0", Header(bytes(16), 0, 9, 5, 0), chunk_of(5, 6, epoch=9))
    gone.unlink()

    found = extracted(tmp_path)

    assert found == Extracted(event_lines(0, 2) + event_lines(4, 5), ["not_ours", "events_missing"])


def test_events_that_are_not_durable_are_not_extracted(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write([event_line(0)])
    content = bytearray((tmp_path / "0" / f"{0:020d}.log").read_bytes())
    end = content[512:1024]
    partition.write([event_line(1)])
    partition.close()
    file = tmp_path / "0" / f"{0:020d}.log"
    content = bytearray(file.read_bytes())
    content[512:1024] = end
    file.write_bytes(content)

    assert extracted(tmp_path) == Extracted([event_line(0)], [])


def test_events_missing_before_the_start_are_not_reported(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    gone = keep(tmp_path / "0", event_lines(2, 4))
    keep(tmp_path / "0", event_lines(4, 5))
    gone.unlink()

    assert extracted(tmp_path, Selection("0", 4)) == Extracted(event_lines(4, 5), [])


def test_files_older_than_the_requested_time_are_not_read(tmp_path: Path) -> None:
    old = write_file(tmp_path / "0", Header(JOURNAL, 0, 7, 0, 0), chunk_of(0, 2, at=1000))
    write_file(tmp_path / "0", Header(JOURNAL, 0, 8, 2, 2000), chunk_of(2, 3, epoch=8, at=3000))
    flip(old, b"m1")

    assert extracted(tmp_path, Selection(since=2001)) == Extracted(event_lines(2, 3), [])
