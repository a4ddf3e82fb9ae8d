"""json_lines after a crash or a restored backup: each event once, and none is lost."""

import resource
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from gateway.config.units import Size
from gateway.errors import SinkUnavailable
from gateway.sinks.json_lines import JsonLines
from gateway.sinks.locked_file import MAX_TAIL_BYTES
from gateway.sinks.owned_file import OwnedFile, Receipt, Rotation
from tests.build import event_line, event_lines
from tests.sinks.batches import batch, lines, others, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def add(file: Path, data: bytes) -> None:
    """Append as another program would."""
    with file.open("ab") as opened:
        opened.write(data)


@pytest.mark.parametrize("end", [3, 5, 9], ids=["shorter", "the same", "longer"])
def test_an_unrecorded_batch_is_not_written_twice(file: Path, end: int) -> None:
    sink = JsonLines(path=file)
    recorded = write(sink, b"", batch(0, 2))
    write(sink, recorded, batch(2, 5))  # then a crash before it is recorded

    write(sink, recorded, batch(2, end), batch(end, 10))

    assert lines(file) == event_lines(0, 10)


def test_a_partial_line_is_completed(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = write(sink, b"", batch(0, 2))
    add(file, batch(2, 5).data[:-50])

    write(sink, recorded, batch(2, 5))

    assert lines(file) == event_lines(0, 5)
    assert others(file) == []


def test_a_partial_line_of_another_batch_is_set_aside(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = write(sink, b"", batch(0, 2))
    half = event_line(2)[:50]
    add(file, half)

    with capture_logs() as logs:
        write(sink, recorded, batch(100, 103, partition="1"), batch(2, 5))

    [aside] = others(file)
    assert aside.match("events.cut-????????T??????.??????Z.jsonl")
    assert aside.read_bytes() == half
    assert sorted(lines(file)) == sorted(event_lines(0, 5) + event_lines(100, 103))
    assert [(entry["log_level"], entry["event"], entry["bytes"]) for entry in logs] == [
        ("warning", "partial line set aside", len(half))
    ]


def test_a_partial_line_that_cannot_be_set_aside_is_retained(file: Path) -> None:
    half = event_line(2)[:50]
    add(file, half)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (len(half) - 1, before[1]))
    try:
        with pytest.raises(SinkUnavailable, match="File too large"):
            write(JsonLines(path=file), b"", batch(0, 2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert (file.read_bytes(), others(file)) == (half, [])


def test_events_of_a_later_state_are_retained(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = write(sink, b"", batch(0, 50))
    write(sink, recorded, batch(50, 500))  # then the older state is restored

    write(sink, recorded, batch(1000, 1010), batch(1010, 1020))

    assert lines(file) == event_lines(0, 500) + event_lines(1000, 1020)


def test_unrecorded_events_are_logged_once(file: Path) -> None:
    recorded = write(JsonLines(path=file), b"", batch(0, 50))
    unrecorded = batch(50, 500).data
    add(file, unrecorded)
    opened = OwnedFile(file, Rotation(), "archive", msgspec.json.decode(recorded, type=Receipt))

    with capture_logs() as logs:
        receipt = opened.append(batch(1000, 1010))
        for _ in range(50):
            opened.check()
        after = opened.append(batch(1010, 1020))
    opened.close()
    with capture_logs() as later:
        write(JsonLines(path=file), msgspec.json.encode(after))

    assert [(entry["log_level"], entry["sink"], entry["bytes"]) for entry in logs] == [
        ("warning", "archive", len(unrecorded))
    ]
    assert [receipt.unrecorded, after.unrecorded] == [len(unrecorded), 0]
    assert later == []


def connect_until_claims_expire(file: Path, receipt: bytes) -> None:
    opened = OwnedFile(file, Rotation(), "archive", msgspec.json.decode(receipt, type=Receipt))
    for _ in range(50):
        opened.check()
    opened.close()


def test_unrecorded_events_are_logged_once_by_connections_that_write_nothing(file: Path) -> None:
    recorded = write(JsonLines(path=file), b"", batch(0, 50))
    add(file, batch(50, 60).data)

    with capture_logs() as logs:
        connect_until_claims_expire(file, recorded)
        connect_until_claims_expire(file, recorded)
        add(file, batch(60, 70).data)
        connect_until_claims_expire(file, recorded)

    assert [entry["bytes"] for entry in logs] == [len(batch(50, 60).data), len(batch(50, 70).data)]


def test_unrecorded_events_beyond_the_search_limit_are_logged_once(file: Path) -> None:
    recorded = write(JsonLines(path=file), b"", batch(0, 2))
    add(file, b'{"filler": "' + b"x" * MAX_TAIL_BYTES + b'"}\n')

    with capture_logs() as logs:
        write(JsonLines(path=file), recorded)
        write(JsonLines(path=file), recorded)

    assert len(logs) == 1


def test_a_restored_state_catches_up_without_repeating_events(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = write(sink, b"", batch(0, 2))
    runs = [batch(n, n + 3, partition="01"[n // 100]) for n in (2, 100, 5, 103, 8)]
    write(sink, recorded, *runs)

    write(sink, recorded, batch(100, 110, partition="1"), batch(2, 6), batch(6, 20))

    found = lines(file)
    assert sorted(found) == sorted(event_lines(0, 20) + event_lines(100, 110))


def test_unrecorded_events_beyond_the_search_limit_are_retained_and_logged(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = write(sink, b"", batch(0, 2))
    large = b'{"filler": "' + b"x" * MAX_TAIL_BYTES + b'"}\n'
    add(file, large)

    with capture_logs() as logs:
        write(sink, recorded, batch(2, 5))

    assert [entry["bytes"] for entry in logs] == [len(large)]
    assert file.read_bytes() == batch(0, 2).data + large + batch(2, 5).data


def test_without_a_receipt_existing_events_are_retained_and_logged(file: Path) -> None:
    add(file, batch(0, 3).data)

    with capture_logs() as logs:
        receipt = write(JsonLines(path=file), b"", batch(0, 1))
        write(JsonLines(path=file), receipt, batch(1, 2))

    assert lines(file) == event_lines(0, 3) + event_lines(0, 2)
    assert [(entry["log_level"], entry["bytes"]) for entry in logs] == [("warning", len(batch(0, 3).data))]


def test_without_a_receipt_a_partial_line_is_set_aside(file: Path) -> None:
    add(file, b'{"half')

    write(JsonLines(path=file), b"", batch(0, 2))

    assert lines(file) == event_lines(0, 2)
    assert [path.read_bytes() for path in others(file)] == [b'{"half']


def test_an_unrecorded_batch_after_a_rotation_is_not_written_twice(file: Path) -> None:
    sink = JsonLines(path=file, rotate_size=Size(1))
    recorded = write(sink, b"", batch(0, 2))
    write(sink, recorded, batch(2, 5))  # then a crash before it is recorded

    write(sink, recorded, batch(2, 7))

    assert lines(*others(file), file) == event_lines(0, 7)


def test_a_crash_after_a_rotation_loses_nothing(file: Path) -> None:
    sink = JsonLines(path=file, rotate_size=Size(1))
    recorded = write(sink, b"", batch(0, 2))
    write(sink, recorded, batch(2, 3))
    file.unlink()  # as if the new file had never been created

    write(sink, recorded, batch(2, 3))

    assert lines(*others(file), file) == event_lines(0, 3)


def test_a_file_with_a_partial_line_is_not_rotated(file: Path) -> None:
    recorded = write(JsonLines(path=file), b"", batch(0, 2))
    add(file, batch(2, 3).data[:-50])

    write(JsonLines(path=file, rotate_size=Size(1)), recorded, batch(2, 3), batch(3, 4))

    [aside] = others(file)
    assert (lines(aside), lines(file)) == (event_lines(0, 3), event_lines(3, 4))


def test_a_file_with_claimable_lines_is_not_rotated(file: Path) -> None:
    sink = JsonLines(path=file, rotate_size=Size(1))
    recorded = write(sink, b"", batch(0, 2))
    add(file, batch(2, 5).data)

    write(sink, recorded, batch(100, 102, partition="1"), batch(2, 5), batch(5, 7))

    found = lines(*others(file), file)
    assert sorted(found) == sorted(event_lines(0, 7) + event_lines(100, 102))
    assert len(others(file)) == 1
