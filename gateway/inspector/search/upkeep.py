"""Keep the index up to date: start a process that builds it whenever there is enough to do."""

import os
import subprocess
import sys
from pathlib import Path

import anyio
import structlog
from anyio import to_thread

from gateway.inspector.search import building
from gateway.inspector.search.building import MIN_EVENTS
from gateway.inspector.search.index import Index
from gateway.journal.base import Log
from gateway.journal.segments.log import SegmentLog
from gateway.state import report

log = structlog.get_logger()

UNINDEXED_EVENTS = 10_000
"""The number of new events worth starting a process; searches examine fewer one by one, in 15 ms."""

_LOOK_SECONDS = 2.0
_FAILED_SECONDS = 60.0


async def keep_indexed(journal: SegmentLog, index: Index) -> None:
    """Keep new events indexed until cancelled."""
    failed = False
    while True:
        await anyio.sleep(_FAILED_SECONDS if failed else _LOOK_SECONDS)
        try:
            if await to_thread.run_sync(unindexed, journal, index) < UNINDEXED_EVENTS:
                continue
            status = await _build(journal.folder, index.folder)
        except OSError as error:
            status, reason = 1, str(error)
        else:
            reason = f"exit status {status}"
        if status and not failed:
            log.warning("search index not built, searches take longer", error=reason)
        failed = bool(status)


def unindexed(journal: Log, index: Index) -> int:
    """Return the number of events that could be indexed but are not. Raises OSError."""
    events = 0
    with report.readers(journal) as readers:
        for partition, reader in readers.items():
            runs = index.runs(partition, reader)
            new = reader.newest() - (runs[-1].end.number if runs else reader.oldest())
            events += new if new >= MIN_EVENTS else 0
    return events


async def _build(folder: Path, index: Path) -> int:
    """Run the process that builds the index, and return its exit status. Raises OSError."""
    command = [sys.executable, "-P", "-m", building.__name__, str(folder), str(index)]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PROMETHEUS_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    # Its standard input closes when this process ends, for whatever reason; then it ends as well.
    process = await anyio.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=None, cwd="/", env=environment
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()  # what it has not written is read again
        with anyio.CancelScope(shield=True):
            await process.aclose()
