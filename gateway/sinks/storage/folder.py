"""Storage in a folder: a file gets its name by a hard link, which never replaces another."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anyio import to_thread

from gateway import durable
from gateway.errors import SinkMisconfigured, SinkUnavailable

_FOR_AN_OPERATOR = (
    errno.EACCES,
    errno.EPERM,  # also from a file system without hard links
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.EOPNOTSUPP,
)


class Folder:
    """Files below a folder, of mode 0600. Missing folders are created with mode 0700."""

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self._path = path

    async def create(self, name: str, content: bytes | memoryview) -> bool:
        # A thread that hangs, as on a network file system, is abandoned. What it still does is harmless: the
        # file that it may yet create is the same.
        return await to_thread.run_sync(self._create, self._path / name, content, abandon_on_cancel=True)

    def _create(self, target: Path, content: bytes | memoryview) -> bool:
        try:
            durable.make_folder(target.parent)
            with _locked(target.with_name(f".{target.name}.tmp")) as (new, descriptor):
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
                durable.sync(descriptor)
                try:
                    os.link(new, target)
                    return True
                except FileExistsError:
                    return False
                finally:  # also for an existing file: a crash may have preceded its sync
                    durable.sync_folder(target.parent)
        except OSError as error:
            kind = SinkMisconfigured if error.errno in _FOR_AN_OPERATOR else SinkUnavailable
            raise kind(f"{target}: {error.strerror}") from error


@contextmanager
def _locked(path: Path) -> Iterator[tuple[Path, int]]:
    """Create a file for this thread only, empty even if left by a crash, and remove it at the end."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SinkUnavailable(f"{path}: another process writes this file") from error
        try:
            os.ftruncate(descriptor, 0)
            yield path, descriptor
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
