"""Changes to the open file of json_lines: renamed, deleted, truncated."""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread
from structlog.testing import capture_logs

from gateway.errors import SinkUnavailable
from gateway.sinks.json_lines import JsonLines
from gateway.sinks.owned_file import OwnedFile, Rotation
from tests.build import event_lines
from tests.gateway import until
from tests.journey import needs
from tests.sinks.batches import batch, lines, others, write

Logrotate = Callable[[str], None]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data/events.jsonl"


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


@pytest.fixture
def logrotate(file: Path, tmp_path: Path) -> Logrotate:
    """A function that runs logrotate with the given options."""
    program = needs.program("logrotate")

    def rotate(way: str) -> None:
        config = tmp_path / "logrotate.conf"
        config.write_text(f"{file} {{\n rotate 5\n missingok\n {way}\n}}\n")
        config.chmod(0o600)
        subprocess.run([program, "--force", "--state", tmp_path / "state", config], check=True)

    return rotate


@pytest.fixture
def opened(file: Path) -> Iterator[OwnedFile]:
    opened = OwnedFile(file, Rotation(), "archive", None)
    yield opened
    opened.close()


def test_logrotate_with_create_is_followed(
    opened: OwnedFile, file: Path, logrotate: Logrotate, logs: list[Any]
) -> None:
    for n in range(4):
        opened.append(batch(n, n + 1))
        logrotate("create 0600")
    opened.append(batch(4, 5))

    rotated = [file.with_name(f"events.jsonl.{n}") for n in (4, 3, 2, 1)]
    assert [lines(path) for path in [*rotated, file]] == [event_lines(n, n + 1) for n in range(5)]
    assert [entry["log_level"] for entry in logs] == ["info"] * 4


def test_logrotate_without_create_is_followed(
    opened: OwnedFile, file: Path, logrotate: Logrotate, logs: list[Any]
) -> None:
    opened.append(batch(0, 2))
    logrotate("nocreate")
    opened.append(batch(2, 5))

    assert lines(file.with_name("events.jsonl.1"), file) == event_lines(0, 5)
    assert lines(file) == event_lines(2, 5)
    assert [entry["event"] for entry in logs] == ["file renamed or deleted, new file created"]


def test_logrotate_with_copytruncate_is_followed(
    opened: OwnedFile, file: Path, logrotate: Logrotate, logs: list[Any]
) -> None:
    opened.append(batch(0, 2))
    logrotate("copytruncate")
    opened.append(batch(2, 5))
    opened.append(batch(5, 6))

    assert lines(file.with_name("events.jsonl.1")) == event_lines(0, 2)
    assert lines(file) == event_lines(2, 6)
    assert [(entry["log_level"], entry["event"], entry["missing"]) for entry in logs] == [
        ("warning", "file truncated by another program", len(batch(0, 2).data))
    ]


@pytest.mark.anyio
async def test_a_deleted_file_is_recreated_while_there_are_no_batches(file: Path, logs: list[Any]) -> None:
    async with JsonLines(path=file).connect("archive", b"") as connection:
        await connection.write(batch(0, 2))
        await anyio.Path(file).unlink()
        await to_thread.run_sync(until, file.exists)
        await connection.write(batch(2, 5))

    assert lines(file) == event_lines(2, 5)
    assert [entry["log_level"] for entry in logs] == ["info"]


def test_a_deleted_file_is_recreated_before_the_next_batch(opened: OwnedFile, file: Path) -> None:
    opened.append(batch(0, 2))
    file.unlink()
    file.parent.rmdir()
    opened.append(batch(2, 5))

    assert lines(file) == event_lines(2, 5)


def test_a_batch_is_written_again_if_its_file_is_deleted_during_the_write(
    opened: OwnedFile, file: Path
) -> None:
    large = batch(0, 100_000)

    def has_content() -> bool:
        return file.exists() and file.stat().st_size > 0

    def delete() -> bool:
        """Return True if the file was deleted before the batch was written."""
        until(has_content)
        file.unlink()
        return not appending.done()

    with ThreadPoolExecutor() as threads:
        meanwhile = False
        while not meanwhile:
            deleting = threads.submit(delete)
            appending = threads.submit(opened.append, large)
            meanwhile = deleting.result()
            appending.result()

    assert file.stat().st_size == len(large.data)


def test_a_replacement_file_is_appended_to(opened: OwnedFile, file: Path) -> None:
    opened.append(batch(0, 2))
    moved = file.rename(file.with_name("moved"))
    file.write_bytes(batch(100, 102).data + b'{"half')
    opened.append(batch(2, 5))

    [aside] = [path for path in others(file) if path != moved]
    assert lines(moved) == event_lines(0, 2)
    assert lines(file) == event_lines(100, 102) + event_lines(2, 5)
    assert aside.read_bytes() == b'{"half'


def test_lines_of_other_programs_corrupt_no_event(opened: OwnedFile, file: Path) -> None:
    opened.append(batch(0, 2))
    with file.open("ab") as theirs:
        theirs.write(batch(100, 101).data + b'{"half')
    opened.append(batch(2, 5))

    assert lines(file) == event_lines(0, 2) + event_lines(100, 101) + event_lines(2, 5)


def test_creating_a_new_file_is_retried(opened: OwnedFile, file: Path) -> None:
    opened.append(batch(0, 2))
    moved = file.rename(file.with_name("moved"))
    file.mkdir()
    opened.check()
    with pytest.raises(SinkUnavailable, match="Is a directory"):
        opened.append(batch(2, 5))
    file.rmdir()
    opened.check()
    opened.append(batch(2, 5))

    assert (lines(moved), lines(file)) == (event_lines(0, 2), event_lines(2, 5))


def test_a_closed_sink_creates_no_file(file: Path) -> None:
    closed = OwnedFile(file, Rotation(), "archive", None)
    closed.close()
    file.unlink()

    closed.check()

    assert not file.exists()


def test_the_file_can_be_renamed_between_two_starts(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = write(sink, b"", batch(0, 2))
    moved = file.rename(file.with_name("moved"))

    write(sink, recorded, batch(2, 5))

    assert (lines(moved), lines(file)) == (event_lines(0, 2), event_lines(2, 5))


def test_the_file_can_be_renamed_before_an_unrecorded_batch(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = write(sink, b"", batch(0, 2))
    moved = file.rename(file.with_name("moved"))
    write(sink, recorded, batch(2, 5))  # then a crash before it is recorded

    write(sink, recorded, batch(2, 7))

    assert (lines(moved), lines(file)) == (event_lines(0, 2), event_lines(2, 7))


def test_the_file_can_be_truncated_between_two_starts(file: Path, logs: list[Any]) -> None:
    sink = JsonLines(path=file)
    recorded = write(sink, b"", batch(0, 20))
    file.write_bytes(batch(0, 1).data)
    write(sink, recorded, batch(20, 25))  # then a crash before it is recorded

    receipt = write(sink, recorded, batch(20, 27))
    write(sink, receipt, batch(27, 28))

    assert lines(file) == event_lines(0, 1) + event_lines(20, 28)
    assert [entry["missing"] for entry in logs] == [
        len(batch(0, 20).data) - len(batch(0, 1).data),
        len(batch(0, 20).data) - len(batch(0, 1).data) - len(batch(20, 25).data),
    ]
