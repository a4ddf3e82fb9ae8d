"""The stdout sink."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import Self

import pytest
from structlog.testing import capture_logs

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Sink
from gateway.sinks.stdout import Stdout
from tests.build import event_line
from tests.gateway import PATIENCE
from tests.sinks.batches import batch, batch_of, write
from tests.sinks.contract import Example, id_of


def example(folder: Path) -> Sink:
    """Return a sink for the contract tests."""
    return Stdout()


class File(Example):
    """Standard output redirected to a file."""

    once = False
    faults = ("gone", "full")

    def __init__(self, folder: Path) -> None:
        self.sink = Stdout()
        self._file = self.output = folder / "output"
        self._open = ExitStack()

    def __enter__(self) -> Self:
        output = self._open.enter_context(self._file.open("a"))
        self._open.enter_context(redirect_stdout(output))
        self._open.enter_context(capture_logs())  # a gateway has them on standard error
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def arrived(self) -> list[str]:
        """A line may follow a part of one that was cut off by a kill."""
        found = self._file.read_bytes().split(b"\n")[:-1]
        return [id_of(line[line.rindex(b'{"type":') :]) for line in found]

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        if fault == "full":
            descriptor = os.open("/dev/full", os.O_WRONLY)
        else:
            reader, descriptor = os.pipe()
            os.close(reader)
        with standard_output(descriptor):
            yield self.sink


EXAMPLES = {"": File}


@contextmanager
def standard_output(descriptor: int) -> Iterator[None]:
    """Redirect standard output to a descriptor for the duration of the block."""
    with os.fdopen(descriptor, "w") as stream, redirect_stdout(stream):
        yield


def test_each_event_is_a_line(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = [event_line(0, event="é\u2028"), event_line(1)]

    write(Stdout(), b"", batch_of(lines), batch(2, 3))

    assert capfdbinary.readouterr().out.split(b"\n") == [*lines, event_line(2), b""]


def test_a_full_disk_behind_standard_output_makes_the_sink_unavailable() -> None:
    with (
        standard_output(os.open("/dev/full", os.O_WRONLY)),
        pytest.raises(SinkUnavailable, match="standard output: No space left"),
    ):
        write(Stdout(), b"", batch(0, 1))


def test_a_closed_reader_makes_the_sink_unavailable() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    with (
        standard_output(writer),
        pytest.raises(SinkUnavailable, match="standard output: Broken pipe"),
    ):
        write(Stdout(), b"", batch(0, 1))


def test_a_stalled_reader_does_not_keep_the_process_from_exiting() -> None:
    program = """
import anyio
from gateway.sinks.stdout import Stdout
from tests.sinks.batches import batch

async def main():
    async with Stdout().connect("console", b"") as connection:
        with anyio.move_on_after(0.1):
            await connection.write(batch(0, 10_000))

anyio.run(main)
"""

    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)

    assert process.wait(PATIENCE) == 0
    assert process.stdout
    process.stdout.close()


def test_a_slow_reader_gets_every_event() -> None:
    program = """
from gateway.sinks.stdout import Stdout
from tests.sinks.batches import batch, write

write(Stdout(), b"", batch(0, 10_000))
"""

    process = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert process.stdout == batch(0, 10_000).data
