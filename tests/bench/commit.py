"""What a commit costs, beside the plain writing of the same bytes."""

import os
import secrets
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench import journal, pinned
from tests.bench.options import Options
from tests.bench.table import Row

PROGRAMS = ()
_SIZES = (16, 100, 1000)  # events a commit
_PREPARED = 64 * 1024 * 1024  # bytes of zeros that the plain writes go round and round in
_PIECE = bytes(1024 * 1024)


class Costs(NamedTuple):
    """Of many commits in a row."""

    p50: float
    """Milliseconds for one."""
    p99: float
    cpu: float
    """Microseconds an event, in all threads."""
    own: float
    """Those of the committing thread alone."""


def measure(options: Options) -> Iterator[Row]:
    found: dict[int, list[tuple[Costs, Costs]]] = {size: [] for size in _SIZES}
    with pinned.measured():
        for _ in range(options.rounds):
            for size, pairs in found.items():
                pairs.append((_plain(options, size), _gateway(options, size)))
    for size, pairs in found.items():
        its, ours = zip(*pairs, strict=True)
        ratio = statistics.median(mine.p50 / other.p50 for other, mine in pairs)
        yield Row(f"commit of {size:,} events: p50, p99", _walls(its), _walls(ours), "", f"{ratio:.2f}")
        least, most = min(each.cpu for each in its), min(each.cpu for each in ours)
        yield Row(
            "  CPU an event, all threads", f"{least:.2f} µs", "", f"{most:.2f} µs", f"{most / least:.2f}"
        )
        least, most = min(each.own for each in its), min(each.own for each in ours)
        yield Row("  the committing thread", f"{least:.2f} µs", "", f"{most:.2f} µs", f"{most / least:.2f}")


def _gateway(options: Options, size: int) -> Costs:
    """The journal's own way."""
    folder = options.folder / "journal"
    partition = journal.open_partition(folder, secrets.token_bytes(16))
    try:
        return _commit(lambda lines: partition.write(lines, carries=0), size, options.seconds)
    finally:
        partition.close()
        shutil.rmtree(folder)


def _plain(options: Options, size: int) -> Costs:
    """One positioned and synced write a commit, over zeros that were prepared before."""
    with _zeros(options.folder / "plain") as descriptor:
        offset = 0

        def write(lines: Sequence[bytes]) -> None:
            nonlocal offset
            data = b"\n".join((*lines, b""))
            if offset + len(data) > _PREPARED:
                offset = 0
            offset += os.pwritev(descriptor, (data,), offset, os.RWF_DSYNC)

        return _commit(write, size, options.seconds)


@contextmanager
def _zeros(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        for _ in range(_PREPARED // len(_PIECE)):
            os.write(descriptor, _PIECE)
        os.fsync(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)
        path.unlink()


def _commit(write: Callable[[Sequence[bytes]], None], size: int, seconds: float) -> Costs:
    """Commit the same events again and again."""
    lines = journal.Lines().take(size)
    times = []
    wall, own, cpu = time.perf_counter(), time.thread_time(), time.process_time()
    end = wall + seconds
    while wall < end:
        write(lines)
        now = time.perf_counter()
        times.append(now - wall)
        wall = now
    own, cpu = time.thread_time() - own, time.process_time() - cpu
    times.sort()
    p50, p99 = times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3
    events = len(times) * size
    return Costs(p50, p99, cpu / events * 1e6, own / events * 1e6)


def _walls(costs: Sequence[Costs]) -> str:
    p50, p99 = (statistics.median(each) for each in zip(*((c.p50, c.p99) for c in costs), strict=True))
    return f"{p50:.3f}, {p99:.3f} ms"
