"""A locked file that one sink appends to, identified by device and inode and not only by its path."""

import errno
import fcntl
import os
from pathlib import Path

from gateway import durable
from gateway.errors import SinkUnavailable

MAX_TAIL_BYTES = 64 * 1024**2
"""The maximum number of bytes read from the end of a file."""

_BLOCK_BYTES = 64 * 1024


class LockedFile:
    """An open, locked file. Not thread-safe. Every method blocks and may raise OSError."""

    def __init__(self, path: Path) -> None:
        """
        Open and lock the file; create it (mode 0600) and its folders (mode 0700) if missing.

        Raises SinkUnavailable if another sink or process has locked the file.
        """
        self.path = path
        self._descriptor = _open(path)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise SinkUnavailable(f"{path}: the file is in use by another process or sink") from error
        except OSError:
            self.close()
            raise
        found = os.fstat(self._descriptor)
        self.inode = found.st_ino
        self._identity = found.st_dev, found.st_ino

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def is_in_place(self) -> bool:
        """Return True unless the file was renamed, replaced or deleted."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def is_deleted(self) -> bool:
        """Return True if the file has no name left, so that closing it loses its content."""
        return os.fstat(self._descriptor).st_nlink == 0 and not self.is_in_place()

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes between two offsets, fewer if the file is shorter."""
        parts = []
        while start < end and (part := os.pread(self._descriptor, end - start, start)):
            parts.append(part)
            start += len(part)
        return b"".join(parts)

    def partial_line(self) -> bytes:
        """Return the bytes after the last line end."""
        size, span = self.size, _BLOCK_BYTES
        while True:
            block = self.read(max(0, size - span), size)
            if span >= size or b"\n" in block:
                return block.rpartition(b"\n")[2]
            if span >= MAX_TAIL_BYTES:
                raise OSError(errno.EFBIG, "its last line is longer than 64 MB")
            span *= 32

    def append(self, data: bytes | memoryview) -> None:
        written = os.write(self._descriptor, data)
        while written < len(data):
            written += os.write(self._descriptor, memoryview(data)[written:])

    def overwrite(self, start: int, data: bytes) -> None:
        """Write existing bytes again, so that the next sync covers them."""
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        # On Linux, pwrite appends regardless of the offset while O_APPEND is set.
        fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags & ~os.O_APPEND)
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._descriptor, memoryview(data)[written:], start + written)
        finally:
            fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)

    def sync(self) -> None:
        """Return once everything written is on stable storage."""
        durable.sync_data(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
    while True:
        try:
            return os.open(path, flags)
        except FileNotFoundError:
            durable.make_folder(path.parent)
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            if path.is_symlink():  # a dangling link
                path = path.resolve()
            continue
        os.fchmod(descriptor, 0o600)  # whatever the umask
        durable.sync_folder(path.parent)
        return descriptor
