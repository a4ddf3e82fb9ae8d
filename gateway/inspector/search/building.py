"""Building the index, in a separate process, which yields the processor to all others."""

import fcntl
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from gateway import durable
from gateway.inspector.search import excerpts, runs
from gateway.inspector.search.index import open_run
from gateway.inspector.search.runs import Draft
from gateway.journal.base import Log, Position, Reader, UnknownPosition
from gateway.journal.segments.log import SegmentLog

MIN_EVENTS = 1000
"""The fewest new events of a partition worth indexing; fewer are searched as quickly one by one."""

_LINGER_SECONDS = 30.0
_POLL_SECONDS = 1.0
_MAX_FAILURES = 25  # in a row; after 20 failures a reader considers what it cannot read damaged
_LOCK = "LOCK"


class Sizes(NamedTuple):
    """The sizes of the index."""

    min_events: int = MIN_EVENTS
    granule_bytes: int = 128 * 1024
    """The size at which a granule ends."""
    run_entries: int = 2**17
    """The number of entries at which a run ends; this many are sorted in 50 ms."""
    unwritten_events: int = 5000
    """The number of new events after which a run is written, although it will be continued."""


class Indexer:
    """Indexes one partition into its own folder. Every method blocks and may raise OSError."""

    def __init__(self, reader: Reader, folder: Path, sizes: Sizes) -> None:
        self._reader = reader
        self._folder = folder
        self._sizes = sizes
        self._draft: Draft | None = None
        self._written = 0

    def step(self) -> bool:
        """Index a granule of new events; return False if there are too few."""
        draft = self._draft = self._draft or self._start()
        if self._reader.newest() - draft.end.number < self._sizes.min_events:
            if draft.end.number - self._written >= self._sizes.unwritten_events:
                self.write()
            return False
        try:
            found = self._reader.read(draft.end, self._sizes.granule_bytes)
        except UnknownPosition:  # the journal was replaced
            self._draft = None
            return True
        if found is None:
            return False
        draft.add([each for chunk in found.chunks for each in excerpts.read(chunk)], found.end)
        if draft.is_full(self._sizes.run_entries):
            self.write()
            self._draft = Draft(draft.end)
            self._release()
        return True

    def write(self) -> None:
        """Write what has not been written yet."""
        if self._draft and self._draft.end.number > self._written:
            self._draft.write(self._folder)
            self._written = self._draft.end.number

    def close(self) -> None:
        self._reader.close()

    def _start(self) -> Draft:
        """Continue after the last run; runs that do not continue the one before are deleted and rebuilt."""
        durable.make_folder(self._folder)
        for unfinished in self._folder.glob(f"*{runs.UNFINISHED}"):
            unfinished.unlink()
        oldest = self._reader.oldest()
        files = {path: open_run(path) for path, _ in runs.listing(self._folder)}
        whole = runs.continuous((run for run in files.values() if run), self._reader.accepts)
        if whole and whole[0].first > oldest:
            whole = []
        for path, run in files.items():
            if run not in whole:
                path.unlink()
        self._release()
        if not whole or whole[-1].end.number < oldest:
            draft = Draft(Position(oldest))
        else:
            last = Draft.resume(whole[-1])
            draft = Draft(last.end) if last.is_full(self._sizes.run_entries) else last
        self._written = draft.end.number
        return draft

    def _release(self) -> None:
        """Delete the runs of events that the journal no longer retains."""
        oldest = self._reader.oldest()
        for (path, _), (following, _) in pairwise(runs.listing(self._folder)):
            if int(following.stem) <= oldest:
                path.unlink()


def build(
    journal: Log,
    folder: Path,
    wait: Callable[[float], bool],
    linger: float = _LINGER_SECONDS,
    sizes: Sizes = Sizes(),  # noqa: B008  # it cannot be changed
) -> None:
    """
    Index all events, then new ones until too few have come for `linger` seconds.

    `wait` waits the given number of seconds, and returns True if indexing is to end. Raises OSError.
    """
    indexers: dict[str, Indexer] = {}
    try:
        idle_since = None
        failures = 0
        while True:
            for partition in journal.partitions():
                if partition not in indexers:
                    indexers[partition] = Indexer(journal.reader(partition), folder / partition, sizes)
            begun = time.monotonic()
            try:
                worked = sum(indexer.step() for indexer in indexers.values())  # each of them gets a turn
                failures = 0
            except OSError:  # a reader skips what it has often failed to read
                failures += 1
                if failures == _MAX_FAILURES:
                    raise
                worked = 0
            if worked:
                idle_since = None
                if wait(time.monotonic() - begun):  # half of a core is enough
                    return
                continue
            idle_since = idle_since or begun
            if begun - idle_since >= linger or wait(_POLL_SECONDS):
                return
    finally:
        for indexer in indexers.values():
            indexer.write()
            indexer.close()


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock the folder of the index for the duration of the block; False if another process has locked it."""
    durable.make_folder(folder)
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(journal: Path, folder: Path) -> None:
    """Build the index until standard input closes, as it does when the inspector ends."""
    for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends these to all processes
        signal.signal(number, signal.SIG_IGN)
    with suppress(PermissionError):  # for example, by a system call filter
        os.nice(19)

    def wait(seconds: float) -> bool:
        return bool(select.select([sys.stdin], [], [], seconds)[0])

    with _locked(folder) as ours:
        if ours:
            build(SegmentLog(journal), folder, wait)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
