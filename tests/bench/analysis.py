"""`gateway query` and `gateway export` over a journal, beside a mere read of it: rates, CPU time, memory."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench import journal, pinned
from tests.bench.options import Options
from tests.bench.table import Row

PROGRAMS = ()
_CEILING = "journal verify"
"""The command that reads every event, and does nothing with it."""


class Case(NamedTuple):
    arguments: tuple[str, ...]
    goal: str = ""


_GOAL = "≥ 200,000/s"
_ORDERS = """
SELECT date_trunc('day', received_at) AS day, source, count(*)
FROM events WHERE event = 'Order Completed' GROUP BY ALL
"""
_CASES = {
    _CEILING: Case(("journal", "verify", "data/journal")),
    "query: count": Case(("query", "SELECT count(*) FROM events"), _GOAL),
    "query: orders a day by source": Case(("query", _ORDERS), _GOAL),
    "query: a sum from properties": Case(
        ("query", "SELECT sum((properties->>'revenue')::DOUBLE) FROM events"), _GOAL
    ),
    "query: all columns, counted": Case(("query", "SELECT count(COLUMNS(*)) FROM events")),
    "export: .jsonl": Case(("export", "out.jsonl")),
    "export: .jsonl.gz": Case(("export", "out.jsonl.gz")),
    "export: .parquet": Case(("export", "out.parquet")),
}


class Used(NamedTuple):
    """What a command used."""

    wall: float
    """Seconds, as is the next."""
    cpu: float
    megabytes: float
    """The most memory at a time."""


def measure(options: Options) -> Iterator[Row]:
    journal.fill(options.folder, options.drain)
    found: dict[str, list[Used]] = {name: [] for name in _CASES}
    for _ in range(options.rounds):
        for name, case in _CASES.items():
            found[name].append(_run(options.folder, case.arguments))
            for file in options.folder.glob("out.*"):
                file.unlink()
    ceiling = statistics.median(used.wall for used in found[_CEILING])
    for name, case in _CASES.items():
        wall = statistics.median(used.wall for used in found[name])
        memory = max(used.megabytes for used in found[name])
        yield Row(
            f"{name}; {memory:.0f} MB",
            ceiling=f"{options.drain / ceiling:,.0f}/s",
            wall=f"{options.drain / wall:,.0f}/s",
            cpu=f"{min(used.cpu for used in found[name]) / options.drain * 1e6:.2f} µs",
            ratio=f"{ceiling / wall:.2f}",
            goal=case.goal,
        )


def _run(folder: Path, arguments: Sequence[str]) -> Used:
    """Run a command of the gateway on all cores. Its start counts as well."""
    begun = time.perf_counter()
    command = [*pinned.run_on(pinned.ALL), sys.executable, "-m", "gateway", *arguments]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}")
    cpu = usage.ru_utime + usage.ru_stime
    return Used(time.perf_counter() - begun, cpu, usage.ru_maxrss / 1024)
