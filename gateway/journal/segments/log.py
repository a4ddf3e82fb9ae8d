"""The embedded journal: a log in the files of one folder."""

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

_MAX_FILE_BYTES = 256 * 1024 * 1024
_FILE_SHARE = 8  # a file is at most this fraction of max_size: 1/8
_MAX_FILE_SECONDS = 86400.0
_WRITER_EXIT_SECONDS = 5.0  # for a writer whose supervisor was killed to end


class SegmentLog:
    """
    Implements journal.base.Log, and opens partitions for writing.

    `max_size` is in bytes. `journal` is the 16-byte id that every file must carry; it may be left out if the
    log is only read.
    """

    def __init__(self, folder: Path, max_size: int = 2**63 - 1, journal: bytes = bytes(16)) -> None:
        self.folder = folder
        self.quarantine = folder / "quarantine"
        self._max_size = max_size
        self._journal = journal
        self._quota = Quota(folder, max_size)

    def partitions(self) -> list[str]:
        return partitions(self.folder)

    def reader(self, partition: str, *, quarantine: bool = False) -> Reader:
        """Return a reader; with `quarantine`, it saves damaged bytes in the folder `quarantine`."""
        return Reader(self.folder / partition, self.quarantine if quarantine else None)

    @contextmanager
    def writing(
        self, name: str, keep: float = _MAX_FILE_SECONDS, timeout: float = 0.0
    ) -> Iterator[Partition]:
        """
        Lock a partition for the duration of the block, and lend its writing side.

        `keep` is the retention time in seconds, which no file exceeds. Raises BlockingIOError if another
        process still has the lock after `timeout` seconds, and OSError.
        """
        durable.make_folder(self.folder / name)
        with _locked(self.folder / name, timeout):
            yield self.partition(name, keep)

    def partition(self, name: str, keep: float = _MAX_FILE_SECONDS) -> Partition:
        """Return the writing side of a partition without a lock; the caller must be its only writer."""
        max_file_bytes = min(_MAX_FILE_BYTES, self._max_size // _FILE_SHARE)
        max_file_seconds = max(1.0, min(_MAX_FILE_SECONDS, keep))
        quota = Quota(self.folder, self._max_size)
        return Partition(
            self.folder / name, self._journal, self.quarantine, quota, max_file_bytes, max_file_seconds
        )

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

    def is_low_on_space(self) -> bool:
        return self._quota.is_low_on_space()

    def release(self, positions: Mapping[str, int], before: float) -> None:
        """
        Delete the files that end before their partition's position and were last written before `before`.

        The last file of a partition is retained, because it holds the number of the next event.
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

    def recover(self, timeout: float = _WRITER_EXIT_SECONDS) -> None:
        """
        Recover all partitions after a crash; to be called before anything reads them.

        After a power failure a file may understate its durable end, and readers would reject valid positions
        as unknown. `timeout` is how long to wait for a previous writer to end, in seconds. Raises ConfigError
        if it does not end, if the folder has another format, or if it cannot be used.
        """
        self.check()
        for partition in self.partitions():
            try:
                with _locked(self.folder / partition, timeout):
                    recover(self.folder / partition, self._journal, self.quarantine)
            except BlockingIOError as error:
                raise ConfigError(f"[journal] path: another gateway uses {self.folder}") from error
            except OSError as error:
                path = error.filename or self.folder / partition
                raise ConfigError(f"[journal] path: {path}: {error.strerror}") from error

    def identity(self) -> bytes | None:
        """Return the id of the journal to which most files belong, or None without a readable file."""
        return identity(self.folder / each for each in self.partitions())

    def check(self) -> None:
        """Raise ConfigError if a later version of the gateway has written to the folder. Raises OSError."""
        for partition in self.partitions():
            folder = self.folder / partition
            for first in files.listing(folder)[-1:]:
                descriptor = os.open(folder / files.name(first), os.O_RDONLY | os.O_CLOEXEC)
                try:
                    version = files.newer_format(descriptor)
                finally:
                    os.close(descriptor)
                if version:
                    raise ConfigError(
                        f"[journal] path: {self.folder} has format {version}, written by a later version of"
                        f" the gateway; this version reads format {files.FORMAT}:"
                        " move the folder away, or choose another path"
                    )


@contextmanager
def _locked(folder: Path, timeout: float = 0.0) -> Iterator[None]:
    """Lock a partition for the duration of the block. Raises BlockingIOError after `timeout` seconds."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        end = time.monotonic() + timeout
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
