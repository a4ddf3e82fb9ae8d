"""The files of a partition as its readers see them: which there are, and a few that are open."""

import os
import time
from pathlib import Path

import msgspec

from gateway.journal.base import ANY
from gateway.journal.segments import files
from gateway.journal.segments.files import End, Head

_MOST_OPEN = 3
_COARSE = 0.1  # seconds in which a folder may change twice without its time telling


class File(msgspec.Struct, eq=False):
    """A file that is open for reading. It stays readable after its name was removed."""

    first: int
    path: Path
    descriptor: int
    inode: int
    head: Head | None

    @property
    def epoch(self) -> int:
        """ANY if it is not known, as the file's head is damaged."""
        return self.head.epoch if self.head else ANY

    def end(self) -> End | None:
        """How far it is durable; None if that is damaged, until its writer says it again."""
        return files.read_end(self.descriptor)

    def size(self) -> int:
        return os.fstat(self.descriptor).st_size


class Catalogue:
    """Not for more than one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reading = -1
        """The file that is being read: it stays open though its name is removed."""
        self._believed: set[int] = set()
        self._firsts: list[int] = []
        self._open: dict[int, File] = {}
        self._stamp: tuple[int, int] | None = None

    def firsts(self) -> list[int]:
        """The numbers of the files' first events, in order: of all that have a name or are open."""
        try:
            found = self.folder.stat()
            stamp = (found.st_ino, found.st_mtime_ns)
            settled = abs(time.time() - found.st_mtime) > _COARSE
        except OSError:
            stamp, settled = None, False
        if stamp is None or stamp != self._stamp:
            nameless = self._list()
            self._stamp = stamp if settled and not nameless else None
        return self._firsts

    def file(self, first: int) -> File | None:
        """One of them, open; None if it cannot be opened just now."""
        found = self._open.pop(first, None)
        if found is None:
            path = self.folder / files.name(first)
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            try:
                head = files.read_head(descriptor)
                found = File(first, path, descriptor, os.fstat(descriptor).st_ino, head)
            except BaseException:
                os.close(descriptor)
                raise
        self._open[first] = found  # as the last one that was used
        while len(self._open) > _MOST_OPEN:
            self._close(next(iter(self._open)))
        return found

    def forget(self, first: int) -> None:
        """Close a file; if it has lost its name, it is none of them any more."""
        self._close(first)
        self._stamp = None

    def close(self) -> None:
        for first in list(self._open):
            self._close(first)

    def _list(self) -> bool:
        """Look what there is; whether a file is open that has lost its name."""
        listed = files.listing(self.folder)
        self._believed.intersection_update(listed)
        named = set(filter(self._belongs, listed))
        for first in list(self._open):
            if first not in named:
                keep = first == self.reading  # the disk has no use of others that were deleted
            else:
                try:
                    keep = self._open[first].path.stat().st_ino == self._open[first].inode
                except OSError:
                    keep = True  # it has just lost its name
            if not keep:
                self._close(first)
        self._firsts = sorted(named | self._open.keys())
        return not self._open.keys() <= named

    def _belongs(self, first: int) -> bool:
        """Whether a file that is called one of the partition's says that it is; asked once of each."""
        if first not in self._believed:
            try:
                if files.stranger(self.folder / files.name(first), first):
                    return False
            except OSError:
                return True  # whoever reads it will be told
            self._believed.add(first)
        return True

    def _close(self, first: int) -> None:
        found = self._open.pop(first, None)
        if found:
            os.close(found.descriptor)
