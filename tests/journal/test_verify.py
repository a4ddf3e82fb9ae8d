"""Verification of journal files, and of the transitions between them."""

import shutil
import threading
from pathlib import Path

import pytest

from gateway.journal.segments import files
from gateway.journal.segments.examine.inventory import find
from gateway.journal.segments.examine.verify import Verification
from gateway.journal.segments.files import Header
from tests.build import JOURNAL, event_line, event_lines, keep, open_partition
from tests.journal.breaking import flip
from tests.journal.crafted import chunk_of, write_file
from tests.journal.verifying import Verified, verified


def test_an_intact_journal_has_no_faults(tmp_path: Path) -> None:
    for partition in ("0", "1"):
        keep(tmp_path / partition, event_lines(0, 3), event_lines(3, 5))
        keep(tmp_path / partition, event_lines(5, 6))

    assert verified(tmp_path) == Verified([], 12, 0)


def test_a_partition_being_written_has_no_faults(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 3))

    found = verified(tmp_path)
    partition.write(event_lines(3, 5))
    found_later = verified(tmp_path)
    partition.close()

    assert (found, found_later) == (Verified([], 3, 0), Verified([], 5, 0))


def test_a_missing_file_is_reported_with_its_events(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    gone = keep(tmp_path / "0", event_lines(2, 7))
    keep(tmp_path / "0", event_lines(7, 8))
    gone.unlink()

    found = verified(tmp_path)

    assert (found.events, found.lost) == (3, 5)
    assert [finding.message for finding in found.findings] == [
        "the next file starts too late; 5 events cannot be read: 0/2 to 0/6"
    ]


def test_deleted_oldest_files_are_not_a_fault(tmp_path: Path) -> None:
    gone = keep(tmp_path / "0", event_lines(0, 2))
    keep(tmp_path / "0", event_lines(2, 7))
    gone.unlink()

    assert verified(tmp_path) == Verified([], 5, 0)


def test_events_in_two_files_are_counted_once(tmp_path: Path) -> None:
    write_file(tmp_path / "0", Header(JOURNAL, 0, 7, 0, 0), chunk_of(0, 2), chunk_of(2, 4))
    write_file(tmp_path / "0", Header(JOURNAL, 0, 8, 2, 0), chunk_of(2, 5, epoch=8))

    found = verified(tmp_path)

    assert (found.codes, found.events) == (["files_overlap"], 5)


@pytest.mark.parametrize(
    ("places", "message"),
    [
        pytest.param([20], "the first copy of its header is damaged; no event is lost", id="first"),
        pytest.param([2068], "the second copy of its header is damaged; no event is lost", id="second"),
        pytest.param([20, 2068], "both copies of its header are damaged; no event is lost", id="both"),
        pytest.param([6], "the first copy of its header is damaged; no event is lost", id="version"),
    ],
)
def test_a_damaged_header_costs_no_event(tmp_path: Path, places: list[int], message: str) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2))
    content = bytearray(file.read_bytes())
    for place in places:
        content[place] ^= 2
    file.write_bytes(content)

    found = verified(file)

    assert [finding.message for finding in found.findings] == [message]
    assert found.events == 2


def test_a_file_of_another_journal_is_skipped(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    keep(tmp_path / "0", event_lines(2, 3))
    write_file(tmp_path / "0", Header(bytes(16), 0, 9, 3, 0), chunk_of(3, 5, epoch=9))

    found = verified(tmp_path)

    assert [finding.message for finding in found.findings] == [
        f"it belongs to journal {bytes(16).hex()}; skipped, and set aside at the next start"
    ]
    assert found.events == 3


def test_a_file_of_another_partition_is_skipped(tmp_path: Path) -> None:
    other = keep(tmp_path / "1", event_lines(0, 2))
    (tmp_path / "0").mkdir()
    shutil.copy(other, tmp_path / "0")

    found = verified(tmp_path)

    assert [finding.message for finding in found.findings] == [
        "it belongs to partition 1; skipped, and set aside at the next start"
    ]
    assert found.events == 2


def test_a_file_with_a_wrong_name_is_skipped(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    file = keep(tmp_path / "0", event_lines(2, 3))
    file.rename(file.with_name(files.name(9)))

    found = verified(tmp_path)

    assert [finding.message for finding in found.findings] == [
        f"its name should be {file.name}; skipped, and set aside at the next start"
    ]
    assert found.events == 2


def test_two_files_with_the_same_epoch_are_a_fault(tmp_path: Path) -> None:
    write_file(tmp_path / "0", Header(JOURNAL, 0, 7, 0, 0), chunk_of(0, 2))
    write_file(tmp_path / "0", Header(JOURNAL, 0, 7, 2, 0), chunk_of(2, 4))

    assert verified(tmp_path).codes == ["epoch_repeated"]


def test_unrelated_files_are_reported_without_a_fault(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 1))
    (tmp_path / "0/rescued").write_bytes(b"")
    (tmp_path / "0/next").write_bytes(b"")

    found = verified(tmp_path)

    assert [(finding.code, finding.file.name, finding.fault) for finding in found.findings] == [
        ("stray_file", "rescued", False)
    ]


def test_verification_writes_nothing(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 4))
    flip(file, b"m1")
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*.log")}

    verified(tmp_path)

    assert {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()
    } == before


def test_files_deleted_during_verification_are_not_a_fault(tmp_path: Path) -> None:
    gone = keep(tmp_path / "0", event_lines(0, 2))
    keep(tmp_path / "0", event_lines(2, 3))
    work = Verification(find(tmp_path))
    gone.unlink()

    findings = [finding for finding in work.run() if finding]

    assert (findings, work.files, work.events) == ([], 1, 1)


def test_a_concurrent_writer_is_never_reported_as_damage(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0", largest=20_000)
    partition.write(event_lines(0, 1))
    stopped = threading.Event()

    def write() -> None:
        number = 1
        while not stopped.is_set():
            partition.write(event_lines(number, number + 3))
            partition.roll_if_due()
            number += 3

    writer = threading.Thread(target=write)
    writer.start()
    try:
        codes = {code for _ in range(50) for code in verified(tmp_path).codes}
    finally:
        stopped.set()
        writer.join()
        partition.close()

    assert codes <= {"not_durable"}


def test_events_appended_during_verification_are_not_a_finding(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0", largest=2**24)
    partition.write([event_line(0, properties={"text": "x" * 5_000_000})])
    running = Verification(find(tmp_path)).run()
    first = next(running)  # after this many bytes

    partition.write(event_lines(1, 3))
    rest = [finding for finding in running if finding]
    partition.close()

    assert (first, rest) == (None, [])
