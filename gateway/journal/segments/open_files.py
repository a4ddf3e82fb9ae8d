"""The files of a partition that a reader can use: a cached listing, and a few open descriptors."""

import os
import time
from pathlib import Path

import msgspec

from gateway.journal.base import ANY_EPOCH
from gateway.journal.segments import files
from gateway.journal.segments.files import End, Header

_MAX_OPEN_FILES = 3
_MTIME_RESOLUTION_SECONDS = 0.1  # a folder may change twice within it without a new modification time


class File(msgspec.Struct, eq=False):
    """A file that is open for reading. It stays readable after its name is removed."""

    first: int
    path: Path
    descriptor: int
    inode: int
    header: Header | None

    @property
    def epoch(self) -> int:
        """The epoch of the file's events; ANY_EPOCH if its header is damaged."""
        return self.header.epoch if self.header else ANY_EPOCH

    def end(self) -> End | None:
        """Return the durable end, or None if the record is damaged until its writer renews it."""
        return files.read_end(self.descriptor)

    def size(self) -> int:
        return os.fstat(self.descriptor).st_size


class OpenFiles:
    """The files of one partition. Not thread-safe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reading = -1
        """The number of the file that is being read, which stays open even if its name is removed."""
        self._verified: set[int] = set()
        self._firsts: list[int] = []
        self._open: dict[int, File] = {}
        self._listed_at: tuple[int, int] | None = None

    def firsts(self) -> list[int]:
        """Return the first event numbers of all files that have a name or are open, in order."""
        try:
            found = self.folder.stat()
            stamp = (found.st_ino, found.st_mtime_ns)
            stable = abs(time.time() - found.st_mtime) > _MTIME_RESOLUTION_SECONDS
        except OSError:
            stamp, stable = None, False
        if stamp is None or stamp != self._listed_at:
            removed = self._list()
            self._listed_at = stamp if stable and not removed else None
        return self._firsts

    def file(self, first: int) -> File | None:
        """Return the open file whose first event is `first`, or None if it has been deleted."""
        found = self._open.pop(first, None)
        if found is None:
            path = self.folder / files.name(first)
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            try:
                header = files.read_header(descriptor)
                found = File(first, path, descriptor, os.fstat(descriptor).st_ino, header)
            except BaseException:
                os.close(descriptor)
                raise
        self._open[first] = found  # most recently used last
        while len(self._open) > _MAX_OPEN_FILES:
            self._close(next(iter(self._open)))
        return found

    def forget(self, first: int) -> None:
        """Close a file, and list the folder again on the next call of `firsts`."""
        self._close(first)
        self._listed_at = None

    def close(self) -> None:
        for first in list(self._open):
            self._close(first)

    def _list(self) -> bool:
        """List the folder; return True if a file is open whose name was removed."""
        listed = files.listing(self.folder)
        self._verified.intersection_update(listed)
        named = set(filter(self._belongs, listed))
        for first in list(self._open):
            if first not in named:
                keep = first == self.reading  # closing the others frees their disk space
            else:
                try:
                    keep = self._open[first].path.stat().st_ino == self._open[first].inode
                except OSError:
                    keep = True  # its name has just been removed
            if not keep:
                self._close(first)
        self._firsts = sorted(named | self._open.keys())
        return not self._open.keys() <= named

    def _belongs(self, first: int) -> bool:
        """Return True if a file's header agrees with its name and folder; checked once per file."""
        if first not in self._verified:
            try:
                if files.find_mismatch(self.folder / files.name(first), first):
                    return False
            except OSError:
                return True  # reading it will report the error
            self._verified.add(first)
        return True

    def _close(self, first: int) -> None:
        found = self._open.pop(first, None)
        if found:
            os.close(found.descriptor)
