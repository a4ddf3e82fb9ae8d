"""Recovery: acknowledged events remain, other bytes are set aside, and numbers continue."""

from pathlib import Path

import pytest

from gateway.journal.base import Position
from gateway.journal.segments import files
from gateway.journal.segments.files import START, End, Header
from gateway.journal.segments.reader import Reader
from tests.build import JOURNAL, Read, event_line, event_lines, keep, open_partition, read_all
from tests.journal.breaking import crashed, flip, make_file, put_in_doubt, truncate, zero


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A partition whose writer was killed: five events in two chunks."""
    live = open_partition(tmp_path / "live/0")
    live.write(event_lines(0, 3))
    live.write(event_lines(3, 5))
    found = crashed(tmp_path / "live/0", tmp_path / "journal")
    live.close()
    return found


def file_of(folder: Path) -> Path:
    [file] = folder.iterdir()
    return file


def end_of(file: Path) -> End | None:
    with file.open("rb") as opened:
        return files.read_end(opened.fileno())


def kept(folder: Path) -> list[bytes]:
    """Return the names of the quarantined files."""
    return [path.read_bytes() for path in sorted((folder.parent / "quarantine").glob("*"))]


def recover_and_append(folder: Path, first: int) -> Read:
    """Recover, append two events, and read everything."""
    keep(folder, event_lines(first, first + 2))
    return read_all(folder)


def test_a_valid_chunk_after_the_durable_end_is_recovered(folder: Path) -> None:
    put_in_doubt(file_of(folder), 5, event_lines(5, 7))
    before = read_all(folder)

    after = recover_and_append(folder, 7)

    assert before == Read(event_lines(0, 5), 0, 5)
    assert (after, kept(folder)) == (Read(event_lines(0, 9), 0, 9), [])


@pytest.mark.parametrize("left", [1, 47, 48, 49, 300])
def test_an_incomplete_chunk_after_the_durable_end_is_set_aside(folder: Path, left: int) -> None:
    file = file_of(folder)
    end = end_of(file)
    assert end
    put_in_doubt(file, 5, event_lines(5, 7))
    half = file.read_bytes()[end.offset : end.offset + left]
    zero(file, end.offset + left)

    after = recover_and_append(folder, 5)

    assert after == Read(event_lines(0, 7), 0, 7)
    assert kept(folder) == [half.rstrip(b"\0")]


def test_preallocated_space_is_not_damage(folder: Path) -> None:
    with file_of(folder).open("ab") as opened:
        opened.truncate(10**6)

    assert recover_and_append(folder, 5) == Read(event_lines(0, 7), 0, 7)
    assert kept(folder) == []
    assert (folder / files.name(0)).stat().st_size < 10_000


def test_the_numbers_of_damaged_acknowledged_events_are_not_reused(folder: Path) -> None:
    flip(file_of(folder), b"m4")
    position = Position(5)

    after = recover_and_append(folder, 5)

    assert after == Read([*event_lines(0, 3), *event_lines(5, 7)], 2, 7)
    assert read_all(folder, position.number) == Read(event_lines(5, 7), 0, 7)


def test_the_numbers_of_truncated_events_are_not_reused(folder: Path) -> None:
    truncate(file_of(folder), START + 100)

    assert recover_and_append(folder, 5) == Read(event_lines(5, 7), 5, 7)


def test_the_numbers_of_a_file_cut_to_its_first_page_are_not_reused(folder: Path) -> None:
    truncate(file_of(folder), 1000)

    assert recover_and_append(folder, 5) == Read(event_lines(5, 7), 5, 7)
    assert recover_and_append(folder, 7) == Read([*event_lines(5, 7), *event_lines(7, 9)], 5, 9)


def test_without_its_end_record_a_file_ends_at_its_last_valid_chunk(folder: Path) -> None:
    zero(file_of(folder), 512, 1024)
    before = read_all(folder)

    after = recover_and_append(folder, 5)

    assert before == Read([], 0, 0)  # its durable end is unknown
    assert after == Read(event_lines(0, 7), 0, 7)


def test_an_end_record_left_stale_by_a_power_failure_is_corrected(folder: Path) -> None:
    file = file_of(folder)
    with file.open("r+b") as opened:
        files.write_end(opened.fileno(), End(START, 0))

    assert recover_and_append(folder, 5) == Read(event_lines(0, 7), 0, 7)


@pytest.mark.parametrize("left", [0, 3, 100])
def test_chunks_after_a_damaged_chunk_are_recovered(folder: Path, left: int) -> None:
    file = file_of(folder)
    with file.open("r+b") as opened:
        files.write_end(opened.fileno(), End(START, 0))
    zero(file, START + left, START + 200)

    assert recover_and_append(folder, 5) == Read([*event_lines(3, 5), *event_lines(5, 7)], 3, 7)


@pytest.mark.parametrize("content", [pytest.param(b"", id="empty"), pytest.param(bytes(40_000), id="zeros")])
def test_a_file_with_an_unreadable_first_page_costs_no_event(folder: Path, content: bytes) -> None:
    keep(folder)
    (folder / files.name(5)).write_bytes(content)

    assert recover_and_append(folder, 5) == Read(event_lines(0, 7), 0, 7)


def test_positions_stay_valid_after_damage_to_both_headers(folder: Path) -> None:
    reader = Reader(folder)
    found = reader.read(Position(0))
    assert found
    zero(file_of(folder), 0, 512)
    zero(file_of(folder), 2048, START)

    after = recover_and_append(folder, 5)

    assert after == Read(event_lines(0, 7), 0, 7)
    assert Reader(folder).accepts(found.end)
    assert not Reader(folder).accepts(Position(3, found.end.epoch + 1))


def test_one_valid_header_copy_is_enough(folder: Path) -> None:
    zero(file_of(folder), 0, 512)

    assert recover_and_append(folder, 5) == Read(event_lines(0, 7), 0, 7)
    with (folder / files.name(0)).open("rb") as opened:
        assert files.read_header(opened.fileno())


def test_a_valid_chunk_of_another_file_is_ignored(folder: Path) -> None:
    put_in_doubt(file_of(folder), 5, event_lines(100, 102), epoch=7)

    assert recover_and_append(folder, 5) == Read(event_lines(0, 7), 0, 7)
    assert len(kept(folder)) == 1


def test_a_repeated_chunk_is_recovered_once(folder: Path) -> None:
    put_in_doubt(file_of(folder), 3, event_lines(3, 5))

    assert recover_and_append(folder, 5) == Read(event_lines(0, 7), 0, 7)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(Header(bytes(16), 0, 7, 5, 0), id="of another journal"),
        pytest.param(Header(JOURNAL, 1, 7, 5, 0), id="of another partition"),
        pytest.param(Header(JOURNAL, 0, 7, 9, 0), id="with another name"),
    ],
)
@pytest.mark.parametrize("first", [0, 5, 9])
def test_a_foreign_file_is_set_aside(tmp_path: Path, header: Header, first: int) -> None:
    keep(tmp_path / "0", event_lines(0, 5))
    if header.first == first:
        header = Header(header.journal, header.partition, header.epoch, first + 1, 0)
    foreign = tmp_path / "0" / files.name(first)
    replaced = foreign.exists()
    make_file(foreign, header, event_lines(100, 103))
    content = foreign.read_bytes()

    keep(tmp_path / "0", [event_line(50)])

    assert content in kept(tmp_path / "0")
    found = read_all(tmp_path / "0")
    assert found.lines == [*([] if replaced else event_lines(0, 5)), event_line(50)]
    assert files.listing(tmp_path / "0") == ([0] if replaced else [0, 5])


@pytest.mark.parametrize("first", [0, 3, 5, 9])
def test_a_folder_with_the_name_of_a_file_is_set_aside(folder: Path, first: int) -> None:
    if first:
        keep(folder)
        obstacle = folder / files.name(first)
        obstacle.unlink(missing_ok=True)
        obstacle.mkdir()
        lines = event_lines(0, 5)
    else:
        file_of(folder).unlink()
        (folder / files.name(0)).mkdir()
        lines = []

    found = recover_and_append(folder, len(lines))

    assert found == Read([*lines, *event_lines(len(lines), len(lines) + 2)], 0, len(lines) + 2)
