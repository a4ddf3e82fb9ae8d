"""
The files of a partition: their names, their first page, and what syncs them.

A file is named after the number of its first event. Its first page, 4096 bytes, says whose it is, twice, and
how far its events are durable; chunks follow one another behind it. Integers are little-endian.

    0     head: magic, version, CRC-32 of the rest, partition, journal (16 bytes), epoch, first event, time
    512   end: offset and number up to which everything is durable, whether the file is finished, CRC-32
    2048  the head again

The end is written after each commit and not synced: after a power cut it may say less than there is, and
never more. It has a sector of its own, and so has each head.
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
"""Where the first chunk begins."""

_HEAD = struct.Struct("<6sHII16sQQQ")
_MAGIC = b"GWLOG\n"
_COPIES = (0, 2048)
_END = struct.Struct("<QQII")
_END_AT = 512
_DSYNC = hasattr(os, "RWF_DSYNC")


class Head(msgspec.Struct, frozen=True):
    """What a file says of itself."""

    journal: bytes
    """The id of the journal that it belongs to."""
    partition: int
    epoch: int
    first: int
    """The number of its first event, if it has any."""
    begun_at: int
    """Milliseconds since 1970."""


class End(msgspec.Struct, frozen=True):
    """Up to where a file is durable."""

    offset: int
    number: int
    """One past the last durable event."""
    finished: bool = False
    """Whether nobody will write to it any more."""


def name(first: int) -> str:
    return f"{first:020d}.log"


def first_of(name: str) -> int | None:
    """The number that a file is named after; None if it is none of the log's files."""
    stem, _, suffix = name.partition(".")
    known = suffix == "log" and len(stem) == 20 and stem.isascii() and stem.isdigit()
    return int(stem) if known else None


def listing(folder: Path) -> list[int]:
    """The numbers that a partition's files are named after, in order; empty if there is no such folder."""
    try:
        with os.scandir(folder) as found:  # pathlib takes five times as long, many times a second
            names = [each.name for each in found if each.is_file()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(first for each in names if (first := first_of(each)) is not None)


def write_head(descriptor: int, head: Head, durable: End) -> None:
    """Write a file's first page; not synced."""
    body = _HEAD.pack(_MAGIC, FORMAT, 0, head.partition, head.journal, head.epoch, head.first, head.begun_at)
    body = body[:8] + zlib.crc32(body[12:]).to_bytes(4, "little") + body[12:]
    page = bytearray(START)
    for at in _COPIES:
        page[at : at + len(body)] = body
    page[_END_AT : _END_AT + _END.size] = _pack_end(durable)
    write_all(descriptor, page, 0)


def read_heads(descriptor: int) -> tuple[Head | None, Head | None]:
    """Both copies of a file's head; None for one that is damaged."""
    page = os.pread(descriptor, START, 0)
    first, second = (_unpack_head(page[at : at + _HEAD.size]) for at in _COPIES)
    return first, second


def read_head(descriptor: int) -> Head | None:
    """The head of a file; None if both copies are damaged."""
    first, second = read_heads(descriptor)
    return first or second


def _unpack_head(copy: bytes) -> Head | None:
    if len(copy) < _HEAD.size:
        return None
    magic, version, crc, partition, journal, epoch, first, begun_at = _HEAD.unpack(copy)
    if (magic, version) != (_MAGIC, FORMAT) or zlib.crc32(copy[12:]) != crc:
        return None
    return Head(journal, partition, epoch, first, begun_at)


def stranger(path: Path, first: int, journal: bytes | None = None) -> str:
    """
    Why a file is none of the partition in whose folder it lies; empty if nothing says so. Raises OSError.

    `journal`: the id that it should have, if that is known.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        head = read_head(descriptor)
    finally:
        os.close(descriptor)
    if head is None:
        return ""  # damaged, so that its name and place have to tell
    if journal not in (None, head.journal):
        return "it belongs to another journal"
    if head.partition != int(path.parent.name):
        return f"it belongs to partition {head.partition}"
    if head.first != first:
        return f"its name should be {name(head.first)}"
    return ""


def other_format(descriptor: int) -> int | None:
    """The format of a file that a later gateway has written; None if it is ours, or no file of the log."""
    magic, version = struct.unpack("<6sH", os.pread(descriptor, 8, 0).ljust(8, b"\0"))
    return version if magic == _MAGIC and version > FORMAT else None


def write_end(descriptor: int, durable: End, *, durably: bool = False) -> None:
    """Publish how far a file is durable; this is not synced itself, unless it is said to be."""
    if durably:
        write_durably(descriptor, (_pack_end(durable),), _END_AT)
    else:
        os.pwrite(descriptor, _pack_end(durable), _END_AT)


def read_end(descriptor: int) -> End | None:
    """How far a file is durable; None if that is not to be read, as it is damaged."""
    for _ in range(3):  # it may be read while it is being written
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
    """Write at a place and return how many bytes of it are now on stable storage, which may be too few."""
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
    """Write all of it at a place, however many system calls it takes."""
    rest = memoryview(data)
    while rest:
        done = os.pwrite(descriptor, rest, offset)
        offset += done
        rest = rest[done:]


def milliseconds(clock: Callable[[], float] = time.time) -> int:
    return int(clock() * 1000)
