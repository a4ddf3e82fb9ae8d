"""The stdout sink."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import pytest

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Sink
from gateway.sinks.stdout import Stdout
from tests.build import event_line
from tests.gateway import PATIENCE
from tests.sinks.batches import batch, batch_of, write


def example(folder: Path) -> Sink:
    """Return a sink for the contract tests."""
    return Stdout()


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
