"""The sink that prints."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path

import pytest

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Sink
from gateway.sinks.stdout import Stdout
from tests.build import event_line, event_lines

pytestmark = pytest.mark.anyio


def example(folder: Path) -> Sink:
    """One to hold to the contract of the family."""
    return Stdout()


@contextmanager
def standard_output(descriptor: int) -> Iterator[None]:
    """For as long as the block lasts, what is printed goes there."""
    stream = os.fdopen(descriptor, "w")
    with redirect_stdout(stream):
        yield
    with suppress(OSError):  # what could not be printed is still in its buffer
        stream.close()


async def test_each_event_is_a_line(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = [event_line(0, event="é\u2028"), event_line(1)]

    async with Stdout().connect(b"") as write:
        await write(lines)
        await write(event_lines(2, 3))

    assert capsysbinary.readouterr().out.split(b"\n") == [*lines, event_line(2), b""]


async def test_it_is_printed_before_it_counts(tmp_path: Path) -> None:
    file = tmp_path / "printed"
    with standard_output(os.open(file, os.O_WRONLY | os.O_CREAT)):
        async with Stdout().connect(b"") as write:
            await write(event_lines(0, 1))

            assert file.read_bytes() == event_line(0) + b"\n"


async def test_a_full_disk_behind_it_is_a_matter_of_time() -> None:
    with standard_output(os.open("/dev/full", os.O_WRONLY)):
        async with Stdout().connect(b"") as write:
            with pytest.raises(SinkUnavailable, match="standard output: No space left"):
                await write(event_lines(0, 1))


async def test_so_is_a_reader_that_went_away() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    with standard_output(writer):
        async with Stdout().connect(b"") as write:
            with pytest.raises(SinkUnavailable, match="standard output: Broken pipe"):
                await write(event_lines(0, 1))
