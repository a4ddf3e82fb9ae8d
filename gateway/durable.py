"""Create folders and small files that survive a power failure, accessible only to their owner."""

import fcntl
import os
from pathlib import Path

# macOS: fsync does not flush the drive's cache.
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents with mode 0700; existing ones are not changed. Raises OSError."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)  # the umask may have removed more permissions
        sync_folder(folder.parent)


def write_file(path: Path, content: bytes) -> None:
    """Create or replace a file atomically, with mode 0600. Raises OSError."""
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)  # as above
            file.write(content)
            file.flush()
            sync(descriptor)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the creation, renaming and deletion of files in a folder durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync(descriptor: int) -> None:
    """Return once everything written to a file is on stable storage. Raises OSError."""
    if _FULL_SYNC is None:
        os.fsync(descriptor)
    else:
        fcntl.fcntl(descriptor, _FULL_SYNC)


def sync_data(descriptor: int) -> None:
    """Like `sync`, but skip metadata that is not needed to read the file. Raises OSError."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        sync(descriptor)
