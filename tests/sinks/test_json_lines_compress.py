"""Files that json_lines has set aside are compressed, and a crash at any moment loses none of them."""

import gzip
import json
import resource
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.config.units import Size
from gateway.sinks.base import Batch
from gateway.sinks.compression import compressed
from gateway.sinks.json_lines import JsonLines, JsonLinesConnection
from tests.build import event_lines
from tests.gateway import until
from tests.sinks.batches import batch, lines, others, write

ASIDE = "events-20260101T235959.000000Z.jsonl"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def aside(file: Path) -> Path:
    """A file that was set aside and not compressed, as after a crash."""
    aside = file.with_name(ASIDE)
    aside.write_bytes(batch(0, 3).data)
    return aside


def compress(file: Path, *batches: Batch) -> None:
    """Write the batches, rotating after each, and close when no plain file is left aside."""
    connection = JsonLinesConnection(
        JsonLines(path=file, rotate_size=Size(1), compress="gzip"), "archive", b""
    )
    for each in batches:
        connection.append(each)
    until(lambda: all(path.suffix == ".gz" for path in others(file)))
    connection.close()


def begun_at(time: str, receipt: bytes) -> bytes:
    """Return the receipt with another creation time."""
    return json.dumps({**json.loads(receipt), "opened": time}).encode()


def test_a_rotated_file_is_compressed(file: Path) -> None:
    compress(file, batch(0, 2), batch(2, 5), batch(5, 6))

    found = [gzip.decompress(path.read_bytes()) for path in others(file)]
    assert found == [batch(0, 2).data, batch(2, 5).data]
    assert all(path.match("events-????????T??????.??????Z.jsonl.gz") for path in others(file))
    assert lines(file) == event_lines(5, 6)


def test_a_rotated_file_stays_plain_by_default(file: Path) -> None:
    write(JsonLines(path=file, rotate_size=Size(1)), b"", batch(0, 2), batch(2, 5))

    assert [lines(path) for path in others(file)] == [event_lines(0, 2)]


def test_a_compressed_file_belongs_to_its_owner_alone(file: Path) -> None:
    compress(file, batch(0, 2), batch(2, 5))

    assert [path.stat().st_mode & 0o777 for path in others(file)] == [0o600]


@pytest.mark.parametrize(
    "left",
    [
        pytest.param({}, id="before the compressed file is begun"),
        pytest.param({".gz.new": b"\x1f\x8bhalf"}, id="while it is written"),
        pytest.param({".gz": gzip.compress(batch(0, 3).data)}, id="before the plain file is removed"),
    ],
)
def test_compression_is_finished_after_a_crash(file: Path, aside: Path, left: dict[str, bytes]) -> None:
    for ending, content in left.items():
        aside.with_name(aside.name + ending).write_bytes(content)

    compress(file)

    assert others(file) == [compressed(aside)]
    assert gzip.decompress(compressed(aside).read_bytes()) == batch(0, 3).data


def test_files_of_other_names_are_not_compressed(file: Path) -> None:
    strangers = [file.with_name(name) for name in (f"other-{ASIDE}", f"{ASIDE}.1", "events-1.jsonl")]
    for stranger in strangers:
        stranger.write_bytes(b"{}\n")
    file.with_name(ASIDE).write_bytes(b"{}\n")

    sink = JsonLinesConnection(JsonLines(path=file, compress="gzip"), "archive", b"")
    until(lambda: not file.with_name(ASIDE).exists())
    sink.close()

    assert others(file) == sorted([*strangers, compressed(file.with_name(ASIDE))])


def test_rotation_never_takes_the_name_of_a_compressed_file(file: Path) -> None:
    sink = JsonLines(path=file, rotate_daily=True)
    earlier = compressed(file.with_name(ASIDE))
    earlier.write_bytes(b"earlier")
    receipt = write(sink, b"", batch(1, 2))

    write(sink, begun_at("2026-01-01T23:59:59.000000Z", receipt), batch(2, 3))

    assert earlier.read_bytes() == b"earlier"
    assert not file.with_name(ASIDE).exists()
    assert len(others(file)) == 2


def test_a_file_that_cannot_be_compressed_stays_as_it_is(file: Path, aside: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with capture_logs() as logs:
            sink = JsonLinesConnection(JsonLines(path=file, compress="gzip"), "archive", b"")
            until(lambda: logs)
            sink.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert others(file) == [aside]
    assert lines(aside) == event_lines(0, 3)
    assert [(entry["event"], entry["aside"], entry["error"]) for entry in logs] == [
        ("file set aside is not compressed", str(aside), "File too large")
    ]


def test_closing_does_not_wait_for_a_large_file(file: Path, aside: Path) -> None:
    with aside.open("wb") as large:
        large.truncate(50 * 1024**3)

    write(JsonLines(path=file, compress="gzip"), b"", batch(0, 1))

    assert others(file) == [aside]
