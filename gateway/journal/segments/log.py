"""The log that lies in the data folder."""

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import structlog

from gateway import durable
from gateway.errors import ConfigError
from gateway.journal.segments import files
from gateway.journal.segments.partition import Partition
from gateway.journal.segments.quota import Quota, partitions
from gateway.journal.segments.reader import Reader
from gateway.journal.segments.recovery import identity, recover

log = structlog.get_logger()

_LARGEST_FILE = 256 * 1024 * 1024
_FILE_SHARE = 8  # a file takes at the most this part of the journal
_OLDEST_FILE = 86400.0  # seconds
_PATIENCE = 5.0  # seconds that a writer whose supervisor was killed may take to end


class SegmentLog:
    """`journal` is the id that all its files must have; readers alone do without."""

    def __init__(self, folder: Path, max_size: int = 2**63 - 1, journal: bytes = bytes(16)) -> None:
        self.folder = folder
        self.quarantine = folder / "quarantine"
        self._max_size = max_size
        self._journal = journal
        self._quota = Quota(folder, max_size)

    def partitions(self) -> list[str]:
        return partitions(self.folder)

    def reader(self, partition: str, *, quarantine: bool = False) -> Reader:
        """`quarantine`: whether damaged bytes are kept for somebody to look at."""
        return Reader(self.folder / partition, self.quarantine if quarantine else None)

    @contextmanager
    def writing(self, name: str, keep: float = _OLDEST_FILE) -> Iterator[Partition]:
        """
        The writing side of a partition, which nobody else has until the block is left; BlockingIOError.

        `keep`: seconds after which delivered events are to be deleted, so that no file lasts longer.
        """
        durable.make_folder(self.folder / name)
        with _locked(self.folder / name):
            yield self.partition(name, keep)

    def partition(self, name: str, keep: float = _OLDEST_FILE) -> Partition:
        """As `writing`, for whoever knows that there is nobody else."""
        largest = min(_LARGEST_FILE, self._max_size // _FILE_SHARE)
        oldest = max(1.0, min(_OLDEST_FILE, keep))
        quota = Quota(self.folder, self._max_size)
        return Partition(self.folder / name, self._journal, self.quarantine, quota, largest, oldest)

    def size(self) -> int:
        total = 0
        for partition in self.partitions():
            folder = self.folder / partition
            for first in files.listing(folder):
                try:
                    total += (folder / files.name(first)).stat().st_size
                except FileNotFoundError:
                    pass
        return total

    def short(self) -> bool:
        return self._quota.short()

    def release(self, positions: Mapping[str, int], before: float) -> None:
        """
        Delete whole files that lie before a partition's position and were last written to before `before`.

        The last file of a partition stays: it says how far its events are counted.
        """
        for partition, position in positions.items():
            folder = self.folder / partition
            for first, successor in pairwise(files.listing(folder)):
                path = folder / files.name(first)
                written = path.stat().st_mtime
                if successor > position or written > before:
                    break
                path.unlink()
                durable.sync_folder(folder)
                log.info("journal file deleted", file=str(path), age=round(time.time() - written))

    def recover(self, patience: float = _PATIENCE) -> None:
        """
        Take over all partitions after their writers ended, however that was; before anybody reads.

        After a power cut a file may not say how far it is durable, and a position would be taken for one of
        another journal. `patience`: seconds to wait for a writer that is still dying. ConfigError if it does
        not, if the folder is another version's, or if it cannot be used.
        """
        self.check()
        for partition in self.partitions():
            try:
                with _locked(self.folder / partition, patience):
                    recover(self.folder / partition, self._journal, self.quarantine)
            except BlockingIOError as error:
                raise ConfigError(f"[journal] path: another gateway uses {self.folder}") from error
            except OSError as error:
                path = error.filename or self.folder / partition
                raise ConfigError(f"[journal] path: {path}: {error.strerror}") from error

    def identity(self) -> bytes | None:
        """The id of the journal that most of the files belong to; None if there are none to tell."""
        return identity(self.folder / each for each in self.partitions())

    def check(self) -> None:
        """Raise ConfigError if a later version of the gateway has written to the folder."""
        for partition in self.partitions():
            folder = self.folder / partition
            for first in files.listing(folder)[-1:]:
                descriptor = os.open(folder / files.name(first), os.O_RDONLY | os.O_CLOEXEC)
                try:
                    version = files.other_format(descriptor)
                finally:
                    os.close(descriptor)
                if version:
                    raise ConfigError(
                        f"[journal] path: {self.folder} has format {version}, written by a later version of"
                        f" the gateway; this one reads format {files.FORMAT}:"
                        " move the folder away, or name another path"
                    )


@contextmanager
def _locked(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Own a partition's files; BlockingIOError if its writer does not end within so many seconds."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)
