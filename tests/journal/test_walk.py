"""Findings in the chunks of a file, and the events they cost."""

import shutil
from pathlib import Path

from gateway.journal.chunk import Chunk
from gateway.journal.segments import files
from gateway.journal.segments.examine.findings import Finding
from gateway.journal.segments.files import Header
from gateway.journal.segments.scan import read_around_errors
from tests.build import JOURNAL, event_line, event_lines, keep, open_partition
from tests.journal.breaking import flip, truncate
from tests.journal.crafted import chunk_of, offsets, write_file
from tests.journal.verifying import Verified, verified


def test_a_flipped_bit_costs_only_its_own_chunk(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 5), event_lines(5, 6))
    flip(file, b"m3")

    found = verified(tmp_path)

    assert found == Verified(
        [
            Finding(
                "chunk_damaged",
                True,
                "0",
                file,
                "a chunk's checksum is wrong; 3 events cannot be read: 0/2 to 0/4",
                offsets(file)[1],
                "0/2",
                3,
            )
        ],
        3,
        3,
    )


def test_a_damaged_chunk_header_costs_the_chunk(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 3), event_lines(3, 4))
    content = bytearray(file.read_bytes())
    content[offsets(file)[1]] ^= 1
    file.write_bytes(content)

    [finding] = verified(tmp_path).findings

    assert finding.message == "no chunk starts here; 1 event cannot be read: 0/2"


def test_zeros_in_a_file_cost_the_overwritten_events(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 4), event_lines(4, 6))
    content, places = bytearray(file.read_bytes()), offsets(file)
    content[places[1] : places[2]] = bytes(places[2] - places[1])
    file.write_bytes(content)

    [finding] = verified(tmp_path).findings

    assert finding.message == "zeros instead of a chunk; 2 events cannot be read: 0/2 to 0/3"


def test_a_truncated_file_lacks_its_last_events(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 4), event_lines(4, 6))
    truncate(file, offsets(file)[1])

    [finding] = verified(tmp_path).findings

    assert finding.message == "the file ends too early; 4 events cannot be read: 0/2 to 0/5"


def test_an_abandoned_file_ends_where_the_next_starts(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    copy = shutil.copytree(tmp_path / "0", tmp_path / "copy/0")
    partition.close()
    write_file(copy, Header(JOURNAL, 0, 8, 3, 0), chunk_of(3, 5, epoch=8))

    found = verified(tmp_path / "copy")

    assert (found.events, found.lost) == (4, 1)


def test_without_its_end_record_a_file_is_read_to_its_last_valid_chunk(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 5))
    content = bytearray(file.read_bytes())
    content[512] ^= 1
    file.write_bytes(content)

    found = verified(tmp_path)

    assert (found.codes, found.events, found.lost) == (["end_damaged"], 5, 0)


def test_chunks_after_the_durable_end_of_a_copy_are_not_a_fault(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    end = (tmp_path / "0" / files.name(0)).read_bytes()[512:1024]
    partition.write(event_lines(2, 5))
    copy = shutil.copytree(tmp_path / "0", tmp_path / "copy/0")
    partition.close()
    file = copy / files.name(0)
    content = bytearray(file.read_bytes())
    content[512:1024] = end
    file.write_bytes(content)

    found = verified(tmp_path / "copy")

    assert (found.codes, found.events, found.lost) == (["not_durable"], 2, 0)
    assert [(finding.fault, finding.offset) for finding in found.findings] == [(False, offsets(file)[1])]


def test_a_chunk_of_another_epoch_is_damage(tmp_path: Path) -> None:
    header = Header(JOURNAL, 0, 7, 0, 0)
    write_file(tmp_path / "0", header, chunk_of(0, 2), chunk_of(2, 4, epoch=8), chunk_of(4, 5))

    [finding] = verified(tmp_path).findings

    assert finding.message == ("a chunk has the epoch of another file; 2 events cannot be read: 0/2 to 0/3")


def test_events_out_of_order_are_reported(tmp_path: Path) -> None:
    header = Header(JOURNAL, 0, 7, 0, 0)
    write_file(tmp_path / "0", header, chunk_of(0, 2), chunk_of(4, 6), chunk_of(0, 2), chunk_of(6, 7))

    found = verified(tmp_path)

    assert [finding.message for finding in found.findings] == [
        "expected event 2, found event 4; 2 events cannot be read: 0/2 to 0/3",
        "expected event 6, found event 0; no event is lost",
    ]
    assert found.events == 5


def test_a_chunk_with_a_wrong_count_is_reported(tmp_path: Path) -> None:
    write_file(tmp_path / "0", Header(JOURNAL, 0, 7, 0, 0), chunk_of(0, 2, count=3))

    assert [finding.message for finding in verified(tmp_path).findings] == ["a chunk of 3 events has 2 lines"]


def test_a_chunk_longer_than_the_file_is_damage(tmp_path: Path) -> None:
    header = Header(JOURNAL, 0, 7, 0, 0)
    file = write_file(tmp_path / "0", header, chunk_of(0, 2), chunk_of(2, 4), chunk_of(4, 5))
    content = bytearray(file.read_bytes())
    place = offsets(file)[1]
    content[place + 8 : place + 12] = (2**31).to_bytes(4, "little")
    file.write_bytes(content)

    [finding] = verified(tmp_path).findings

    assert finding.message == (
        "a chunk is truncated, or its length is wrong; 2 events cannot be read: 0/2 to 0/3"
    )


def test_large_chunks_and_many_chunks_are_read(tmp_path: Path) -> None:
    large = Chunk(0, 1, 7, 0, 0, event_line(0, properties={"text": "x" * 3_000_000}) + b"\n")
    small = (chunk_of(number, number + 1) for number in range(1, 3000))
    write_file(tmp_path / "0", Header(JOURNAL, 0, 7, 0, 0), large, *small)

    assert verified(tmp_path) == Verified([], 3000, 0)


def test_unreadable_pages_are_read_as_zeros() -> None:
    with Path("/proc/self/mem").open("rb") as unreadable:  # no data is mapped at its start
        found = read_around_errors(unreadable.fileno(), 5000, 0)

    assert found == bytes(5000)


def test_events_that_overlap_within_a_file_are_counted_once(tmp_path: Path) -> None:
    write_file(tmp_path / "0", Header(JOURNAL, 0, 7, 0, 0), chunk_of(0, 2), chunk_of(1, 4), chunk_of(4, 5))

    found = verified(tmp_path)

    assert (found.codes, found.events, found.lost) == (["chunk_damaged"], 5, 0)


def test_unacknowledged_events_of_an_abandoned_file_are_not_counted(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    partition.write(event_lines(2, 6))
    copy = shutil.copytree(tmp_path / "0", tmp_path / "copy/0")
    partition.close()
    flip(copy / files.name(0), b"m1")
    write_file(copy, Header(JOURNAL, 0, 8, 2, 0), chunk_of(2, 5, epoch=8))

    found = verified(tmp_path / "copy")

    assert (found.events, found.lost) == (3, 2)
