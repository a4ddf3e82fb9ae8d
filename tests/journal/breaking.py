"""Breaking a journal as machines and disks do; only for files that a test has to itself."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAGE = 32768

ONE_A_PAGE = 60_000
"""Bytes of a chunk of which no two share a page of the table: what overflows leaves most of a page here."""


def crashed(folder: Path, copy: Path) -> Path:
    """The shard in `folder` as it would be found if its writer had been killed just now."""
    target = copy / folder.name
    shutil.copytree(folder, target)
    return target


@contextmanager
def full_disk(log: Path) -> Iterator[None]:
    """For as long as the block lasts, nothing can be written to a log that this process has open."""
    number = _descriptor(log)
    kept = os.dup(number)
    _replace(number, "/dev/full")
    try:
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)


def failing_sync(log: Path) -> None:
    """What is written to a log that this process has open is lost, and its next sync says so."""
    _replace(_descriptor(log), "/dev/null")  # which takes everything, and cannot be synced


def _descriptor(file: Path) -> int:
    opened = Path("/proc/self/fd")
    [found] = [link for link in opened.iterdir() if link.exists() and link.readlink() == file.resolve()]
    return int(found.name)


def _replace(number: int, device: str) -> None:
    other = os.open(device, os.O_RDWR)
    os.dup2(other, number)
    os.close(other)


def flip(file: Path, text: bytes) -> None:
    """Change one bit of a text where it stands in a file."""
    content = bytearray(file.read_bytes())
    content[content.index(text)] ^= 1
    file.write_bytes(content)


def spoil_page(file: Path, text: bytes) -> None:
    """Make the page unreadable on which a text stands."""
    content = bytearray(file.read_bytes())
    start = content.index(text) // PAGE * PAGE
    content[start : start + 8] = b"\xff" * 8
    file.write_bytes(content)


def zero(file: Path) -> None:
    """Leave a file its length and nothing else."""
    file.write_bytes(bytes(file.stat().st_size))


def cut(file: Path, size: int) -> None:
    """Leave a file only its beginning."""
    os.truncate(file, size)
