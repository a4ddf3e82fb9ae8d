"""
The format of a partition's files: their names, their first page, and how they are synced.

A file is named after the number of its first event. Its first page, 4096 bytes, holds two copies of its
header and its end record. Chunks follow one another after this page. Integers are little-endian.

    0     header: magic, version, CRC-32 of the rest, partition, journal (16 bytes), epoch, first event, time
    512   end: offset and number up to which everything is durable, finished or not, CRC-32
    2048  the header again

The end record is written after each commit without a sync: after a power failure it may understate the
durable end, but never overstate it. It has its own disk sector, as does each header.
"""

import errno
import os
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from gateway import durable

FORMAT = 1
START = 4096
"""The offset of the first chunk, in bytes."""

_HEADER = struct.Struct("<6sHII16sQQQ")
_MAGIC = b"GWLOG\n"
_COPIES = (0, 2048)
_END = struct.Struct("<QQII")
_END_AT = 512
_DSYNC = hasattr(os, "RWF_DSYNC")


class Header(msgspec.Struct, frozen=True):
    """The header of a file: where it belongs."""

    journal: bytes
    """The id of its journal, 16 bytes."""
    partition: int
    epoch: int
    first: int
    """The number of its first event, even for a file without events."""
    begun_at: int
    """The time at which it was created, in milliseconds since 1970."""


class End(msgspec.Struct, frozen=True):
    """The durable end of a file."""

    offset: int
    number: int
    """One past the last durable event."""
    finished: bool = False
    """True if the file will not be written to any more."""


def name(first: int) -> str:
    return f"{first:020d}.log"


def parse_name(name: str) -> int | None:
    """Return the number in the name of a file, or None if it is not a name of a journal file."""
    stem, _, suffix = name.partition(".")
    known = suffix == "log" and len(stem) == 20 and stem.isascii() and stem.isdigit()
    return int(stem) if known else None


def listing(folder: Path) -> list[int]:
    """Return the numbers in the names of a partition's files, in order; none if there is no such folder."""
    try:
        with os.scandir(folder) as found:  # pathlib takes five times as long; called many times a second
            names = [each.name for each in found if each.is_file()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(first for each in names if (first := parse_name(each)) is not None)


def write_header(descriptor: int, header: Header, durable: End) -> None:
    """Write the first page of a file, without a sync. Raises OSError."""
    body = _HEADER.pack(
        _MAGIC, FORMAT, 0, header.partition, header.journal, header.epoch, header.first, header.begun_at
    )
    body = body[:8] + zlib.crc32(body[12:]).to_bytes(4, "little") + body[12:]
    page = bytearray(START)
    for at in _COPIES:
        page[at : at + len(body)] = body
    page[_END_AT : _END_AT + _END.size] = _pack_end(durable)
    write_all(descriptor, page, 0)


def read_headers(descriptor: int) -> tuple[Header | None, Header | None]:
    """Return both copies of a file's header, None for a damaged one. Raises OSError."""
    page = os.pread(descriptor, START, 0)
    first, second = (_unpack_header(page[at : at + _HEADER.size]) for at in _COPIES)
    return first, second


def read_header(descriptor: int) -> Header | None:
    """Return the header of a file, or None if both copies are damaged. Raises OSError."""
    first, second = read_headers(descriptor)
    return first or second


def _unpack_header(copy: bytes) -> Header | None:
    if len(copy) < _HEADER.size:
        return None
    magic, version, crc, partition, journal, epoch, first, begun_at = _HEADER.unpack(copy)
    if (magic, version) != (_MAGIC, FORMAT) or zlib.crc32(copy[12:]) != crc:
        return None
    return Header(journal, partition, epoch, first, begun_at)


def find_mismatch(path: Path, first: int, journal: bytes | None = None) -> str:
    """
    Return the reason why a file does not belong to the partition of its folder, or "" if it does.

    `journal` is the id to compare with, if known. A file with a damaged header is judged only by its name and
    folder. Raises OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        header = read_header(descriptor)
    finally:
        os.close(descriptor)
    if header is None:
        return ""
    if journal not in (None, header.journal):
        return "it belongs to another journal"
    if header.partition != int(path.parent.name):
        return f"it belongs to partition {header.partition}"
    if header.first != first:
        return f"its name should be {name(header.first)}"
    return ""


def newer_format(descriptor: int) -> int | None:
    """Return the format of a file if it is later than FORMAT, else None. Raises OSError."""
    magic, version = struct.unpack("<6sH", os.pread(descriptor, 8, 0).ljust(8, b"\0"))
    return version if magic == _MAGIC and version > FORMAT else None


def write_end(descriptor: int, durable: End, *, durably: bool = False) -> None:
    """Write the end record of a file, synced only if `durably`. Raises OSError."""
    if durably:
        write_durably(descriptor, (_pack_end(durable),), _END_AT)
    else:
        os.pwrite(descriptor, _pack_end(durable), _END_AT)


def read_end(descriptor: int) -> End | None:
    """Return the end record of a file, or None if it is damaged. Raises OSError."""
    for _ in range(3):  # the writer may be replacing it
        found = os.pread(descriptor, _END.size, _END_AT)
        if len(found) == _END.size:
            offset, number, finished, crc = _END.unpack(found)
            if zlib.crc32(found[:-4]) == crc:
                return End(offset, number, bool(finished))
    return None


def _pack_end(durable: End) -> bytes:
    body = _END.pack(durable.offset, durable.number, durable.finished, 0)[:-4]
    return body + zlib.crc32(body).to_bytes(4, "little")


def write_durably(descriptor: int, buffers: Sequence[bytes | memoryview], offset: int) -> int:
    """
    Write buffers at an offset, and return the number of bytes that are now on stable storage.

    This may be less than was given, for example on a full disk. Raises OSError.
    """
    if _DSYNC:
        try:
            return os.pwritev(descriptor, buffers, offset, os.RWF_DSYNC)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS):
                raise
    done = os.pwritev(descriptor, buffers, offset)
    durable.sync_data(descriptor)
    return done


def write_all(descriptor: int, data: bytes | bytearray | memoryview, offset: int) -> None:
    """Write all of `data` at an offset, without a sync. Raises OSError."""
    rest = memoryview(data)
    while rest:
        done = os.pwrite(descriptor, rest, offset)
        offset += done
        rest = rest[done:]


def milliseconds(clock: Callable[[], float] = time.time) -> int:
    """Return the current time in milliseconds since 1970."""
    return int(clock() * 1000)
