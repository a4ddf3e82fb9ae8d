"""
List the files of a journal, of one of its partitions, or a single file, without changing anything.

Works while the gateway runs, and on copies, whose folders may have any name.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gateway.errors import GatewayError
from gateway.journal.segments import files
from gateway.journal.segments.files import Header
from gateway.journal.segments.open_files import File
from gateway.journal.segments.quota import partitions


class NotAJournal(GatewayError):
    """There is no journal at the given path, or one that this version cannot read."""


class FileEntry(msgspec.Struct, frozen=True):
    """One file of a partition."""

    partition: str
    path: Path
    first: int
    """The number of its first event, from its name; for a copy with another name, from its header."""
    header: Header | None
    """None if both copies are damaged."""
    mismatch: str = ""
    """The reason why it does not belong to this partition; empty if it does."""


class Inventory(msgspec.Struct, frozen=True):
    """The files of a journal at one path."""

    path: Path
    journal: bytes | None
    """The journal's id, from most of its files; None if no file has a readable header."""
    entries: dict[str, list[FileEntry]]
    """The files of each partition, in the order of their events."""
    strays: list[Path]
    """Files in the folders of partitions that are not files of a journal."""

    def successor(self, entry: FileEntry) -> int | None:
        """Return the first event number of the next file, or None for the last file of a partition."""
        later = (each.first for each in self.entries[entry.partition] if not each.mismatch)
        return next((first for first in later if first > entry.first), None)

    def size(self) -> int:
        """Return the size of all files, in bytes. Raises OSError."""
        total = 0
        for several in self.entries.values():
            for each in several:
                try:
                    total += each.path.stat().st_size
                except FileNotFoundError:
                    pass  # released meanwhile
        return total


def find(path: Path) -> Inventory:
    """
    List the files of a journal's folder, of a partition's folder, or a single file.

    Raises NotAJournal, whose text says how to correct the path, and OSError.
    """
    if path.is_file():
        entry = _single(path)
        return _inventory(path, {entry.partition: [entry]}, [])
    if not path.is_dir():
        raise NotAJournal(f"{path} does not exist; give the folder of a journal or partition, or a file")
    if files.listing(path):
        partition, entries = _entries(path)
        return _inventory(path, {partition: entries}, _strays(path))
    _check_format(path)
    folders = [path / name for name in partitions(path) if (path / name).is_dir()]
    if not folders:
        inner = path / "journal"
        remedy = f"did you mean {inner}?" if inner.is_dir() else "it has no partitions and no journal files"
        raise NotAJournal(f"{path} is not a journal; {remedy}")
    found = dict(_entries(folder) for folder in folders)
    return _inventory(path, found, [stray for folder in folders for stray in _strays(folder)])


@contextmanager
def open_entry(entry: FileEntry) -> Iterator[File]:
    """Open a file for reading for the duration of the block. Raises FileNotFoundError if it was deleted."""
    descriptor = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield File(entry.first, entry.path, descriptor, os.fstat(descriptor).st_ino, entry.header)
    finally:
        os.close(descriptor)


def _inventory(path: Path, entries: dict[str, list[FileEntry]], strays: list[Path]) -> Inventory:
    headers = [each.header for several in entries.values() for each in several if each.header]
    votes = Counter(header.journal for header in headers)
    journal = votes.most_common(1)[0][0] if votes else None
    judged = {
        partition: [_find_mismatch(each, journal) for each in several]
        for partition, several in entries.items()
    }
    return Inventory(path, journal, judged, strays)


def _find_mismatch(entry: FileEntry, journal: bytes | None) -> FileEntry:
    """Return the entry with the reason, if any, for which recovery would set the file aside."""
    header, mismatch = entry.header, ""
    if header and header.journal != journal:
        mismatch = f"it belongs to journal {header.journal.hex()}"
    elif header and str(header.partition) != entry.partition:
        mismatch = f"it belongs to partition {header.partition}"
    elif header and header.first != entry.first:
        mismatch = f"its name should be {files.name(header.first)}"
    return msgspec.structs.replace(entry, mismatch=mismatch)


def _single(path: Path) -> FileEntry:
    header = _read_header(path)
    first = files.parse_name(path.name)
    if first is None:
        if header is None:
            raise NotAJournal(f"{path} is not a journal file")
        first = header.first
    return FileEntry(str(header.partition) if header else path.parent.name, path, first, header)


def _entries(folder: Path) -> tuple[str, list[FileEntry]]:
    """
    Return the name and the files of the partition in a folder.

    If the folder is a copy with another name, the headers of most files decide.
    """
    _check_format(folder)
    headers: dict[int, Header | None] = {}
    for first in files.listing(folder):
        try:
            headers[first] = _read_header(folder / files.name(first))
        except FileNotFoundError:
            pass  # released meanwhile
    partition = folder.name
    if not (partition.isascii() and partition.isdecimal()):
        votes = Counter(str(header.partition) for header in headers.values() if header)
        partition = votes.most_common(1)[0][0] if votes else partition
    return partition, [
        FileEntry(partition, folder / files.name(first), first, header) for first, header in headers.items()
    ]


def _read_header(path: Path) -> Header | None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        header = files.read_header(descriptor)
        version = None if header else files.newer_format(descriptor)
    finally:
        os.close(descriptor)
    if version:
        raise NotAJournal(
            f"{path} has format {version}, written by a later version of the gateway; this version reads"
            f" format {files.FORMAT}: use the later version"
        )
    return header


def _check_format(folder: Path) -> None:
    # A current gateway has no databases in the folders of partitions.
    if any(files.parse_name(f"{each.stem}.log") is not None for each in folder.glob("*.db")):
        raise NotAJournal(
            f"{folder} holds a journal of an earlier version of the gateway, which this version cannot read:"
            " use the earlier version"
        )


def _strays(folder: Path) -> list[Path]:
    # "next" is a journal file before it is renamed.
    return sorted(
        each for each in folder.iterdir() if files.parse_name(each.name) is None and each.name != "next"
    )
