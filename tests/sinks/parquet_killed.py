"""
Processes that deliver batches to a parquet sink as delivery does, and are killed after given times.

`python -m tests.sinks.parquet_killed FOLDER BATCHES SECONDS…` prints how many were killed before they had
finished. After them, one more process delivers the rest.
"""

import os
import signal
import sys
import time
from pathlib import Path

import anyio

from gateway import durable
from gateway.sinks.parquet import Parquet
from tests.build import event_line
from tests.sinks.batches import batch_of

EVENTS = 6
"""In a batch, which belongs to three folders."""


async def deliver(folder: Path, batches: int) -> None:
    """Deliver what is left, and record the position after each batch."""
    recorded = folder / "position"
    done = int(recorded.read_text()) if recorded.exists() else 0
    async with Parquet(path=folder / "lake", partition="{event}").connect("archive", b"") as connection:
        for number in range(done, batches):
            first = number * EVENTS
            lines = [event_line(n, event=f"e{n % 3}") for n in range(first, first + EVENTS)]
            await connection.write(batch_of(lines, first=first))
            durable.write_file(recorded, str(number + 1).encode())


def run(folder: Path, batches: int, seconds: float | None) -> int:
    """Deliver in a process, which is killed after a time; return its status."""
    # A fork, since an import of the driver takes longer than many batches.
    child = os.fork()
    if not child:
        try:
            anyio.run(deliver, folder, batches)
            os._exit(0)
        finally:
            os._exit(1)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def main(folder: Path, batches: int, times: list[float]) -> int:
    statuses = [run(folder, batches, seconds) for seconds in times]
    print(statuses.count(signal.SIGKILL))
    return run(folder, batches, None)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), [float(each) for each in sys.argv[3:]]))
