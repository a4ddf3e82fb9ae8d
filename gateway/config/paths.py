"""Paths of a configuration, checked as far as is possible without changing anything."""

import os
import stat
from pathlib import Path

_STANDARD_STREAMS = ("/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")
"""Links to whatever a process has open, which may be a file today and a terminal tomorrow."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFREG: "a file",
}


def check_file(path: Path) -> None:
    """Raise ValueError for a path that exists and is not a file, or whose parent is not a folder."""
    if str(path).startswith(_STANDARD_STREAMS):
        raise ValueError('is a device; expected a file (kind = "stdout" prints events)')
    _expect(path, stat.S_IFREG, "a file")


def check_folder(path: Path) -> None:
    """Raise ValueError for a path that exists and is not a folder, or that is below a file."""
    _expect(path, stat.S_IFDIR, "a folder")


def check_writable(path: Path) -> None:
    """Raise ValueError for a path that this user may not write to, or could not create."""
    place = next((each for each in (path, *path.parents) if _kind(each)), path)
    needed = os.R_OK | os.W_OK | (os.X_OK if _kind(place) == stat.S_IFDIR else 0)
    if not os.access(place, needed, effective_ids=True):
        raise ValueError(f"this user may not write to {place}")


def read_file(path: Path, max_bytes: int) -> bytes:
    """Return the content of a file. Raises ValueError if the path is not a file, or the file is larger."""
    try:
        with open(path, "rb", opener=_open_at_once) as file:  # Path.open has no opener
            kind = stat.S_IFMT(os.fstat(file.fileno()).st_mode)
            if kind != stat.S_IFREG:
                raise ValueError(f"{path} is {_KINDS[kind]}; expected a file")
            found = file.read(max_bytes + 1)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    if len(found) > max_bytes:
        raise ValueError(f"{path} has more than {max_bytes} bytes")
    return found


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # otherwise a pipe would wait for its writer


def _expect(path: Path, kind: int, expected: str) -> None:
    found = _kind(path)
    if found not in (None, kind):
        raise ValueError(f"is {_KINDS[found]}; expected {expected}")
    for parent in path.parents:
        found = _kind(parent)
        if found not in (None, stat.S_IFDIR):
            raise ValueError(f"{parent} is {_KINDS[found]}; expected a folder")


def _kind(path: Path) -> int | None:
    """Return what a path leads to; None if that is nothing, or cannot be determined now."""
    try:
        return stat.S_IFMT(os.stat(path).st_mode)  # noqa: PTH116  # one name for all that can be there
    except OSError:
        return None
