"""
Finding the files of a journal, of one of its partitions, or a single one, for commands that only look.

Works beside a gateway that is running, and on copies, whose folders may have any name.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gateway.errors import GatewayError
from gateway.journal.segments import files
from gateway.journal.segments.catalogue import File
from gateway.journal.segments.files import Head
from gateway.journal.segments.quota import partitions


class NotAJournal(GatewayError):
    """There is no journal in the place that was named, or one that this version cannot read."""


class Member(msgspec.Struct, frozen=True):
    """One file of a partition."""

    partition: str
    path: Path
    first: int
    """The number of its first event, as its name says; for a copy under another name, as its head says."""
    head: Head | None
    """None if both copies are damaged."""
    flaw: str = ""
    """Why it is not believed to be a file of this partition; empty if it is."""


class Inventory(msgspec.Struct, frozen=True):
    """What lies in one place."""

    path: Path
    journal: bytes | None
    """The id that most files have; None if none has a head."""
    members: dict[str, list[Member]]
    """The files of each partition, in the order of their events."""
    strays: list[Path]
    """Files in the partitions' folders that are none of the journal's."""

    def successor(self, member: Member) -> int | None:
        """The number of the first event of the file after one; None if it is the last of its partition."""
        later = (each.first for each in self.members[member.partition] if not each.flaw)
        return next((first for first in later if first > member.first), None)

    def size(self) -> int:
        """Bytes of all files. Raises OSError."""
        total = 0
        for several in self.members.values():
            for each in several:
                try:
                    total += each.path.stat().st_size
                except FileNotFoundError:
                    pass  # deleted meanwhile, as it was delivered
        return total


def find(path: Path) -> Inventory:
    """
    List what there is in a journal's folder, in a partition's folder, or in one file.

    Raises NotAJournal, with what to do instead, and OSError.
    """
    if path.is_file():
        member = _single(path)
        return _inventory(path, {member.partition: [member]}, [])
    if not path.is_dir():
        raise NotAJournal(f"{path} is not there; name a journal's folder, a partition's folder or a file")
    if files.listing(path):
        partition, members = _members(path)
        return _inventory(path, {partition: members}, _strays(path))
    _check_format(path)
    folders = [path / name for name in partitions(path) if (path / name).is_dir()]
    if not folders:
        inner = path / "journal"
        remedy = f"did you mean {inner}?" if inner.is_dir() else "it has no folder of a partition and no file"
        raise NotAJournal(f"{path} holds no journal; {remedy}")
    found = dict(_members(folder) for folder in folders)
    return _inventory(path, found, [stray for folder in folders for stray in _strays(folder)])


@contextmanager
def opened(member: Member) -> Iterator[File]:
    """Open a file for reading. Raises FileNotFoundError if it was deleted meanwhile, and OSError."""
    descriptor = os.open(member.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield File(member.first, member.path, descriptor, os.fstat(descriptor).st_ino, member.head)
    finally:
        os.close(descriptor)


def _inventory(path: Path, members: dict[str, list[Member]], strays: list[Path]) -> Inventory:
    heads = [each.head for several in members.values() for each in several if each.head]
    votes = Counter(head.journal for head in heads)
    journal = votes.most_common(1)[0][0] if votes else None
    judged = {
        partition: [_judge(each, journal) for each in several] for partition, several in members.items()
    }
    return Inventory(path, journal, judged, strays)


def _judge(member: Member, journal: bytes | None) -> Member:
    """Note what recovery would set a file aside for."""
    head, flaw = member.head, ""
    if head and head.journal != journal:
        flaw = f"it belongs to journal {head.journal.hex()}"
    elif head and str(head.partition) != member.partition:
        flaw = f"it belongs to partition {head.partition}"
    elif head and head.first != member.first:
        flaw = f"its name should be {files.name(head.first)}"
    return msgspec.structs.replace(member, flaw=flaw)


def _single(path: Path) -> Member:
    head = _read_head(path)
    first = files.first_of(path.name)
    if first is None:
        if head is None:
            raise NotAJournal(f"{path} is not a file of a journal")
        first = head.first
    return Member(str(head.partition) if head else path.parent.name, path, first, head)


def _members(folder: Path) -> tuple[str, list[Member]]:
    """The name of the partition in a folder, and its files, which know it if the folder is a copy."""
    _check_format(folder)
    heads: dict[int, Head | None] = {}
    for first in files.listing(folder):
        try:
            heads[first] = _read_head(folder / files.name(first))
        except FileNotFoundError:
            pass  # deleted meanwhile, as it was delivered
    partition = folder.name
    if not (partition.isascii() and partition.isdecimal()):
        votes = Counter(str(head.partition) for head in heads.values() if head)
        partition = votes.most_common(1)[0][0] if votes else partition
    return partition, [
        Member(partition, folder / files.name(first), first, head) for first, head in heads.items()
    ]


def _read_head(path: Path) -> Head | None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        head = files.read_head(descriptor)
        version = None if head else files.other_format(descriptor)
    finally:
        os.close(descriptor)
    if version:
        raise NotAJournal(
            f"{path} has format {version}, written by a later version of the gateway; this one reads"
            f" format {files.FORMAT}: use that version"
        )
    return head


def _check_format(folder: Path) -> None:
    # The gateway keeps other databases beside the partitions, and in them none.
    if any(files.first_of(f"{each.stem}.log") is not None for each in folder.glob("*.db")):
        raise NotAJournal(
            f"{folder} holds a journal of an earlier version of the gateway, which this one cannot read;"
            " use that version"
        )


def _strays(folder: Path) -> list[Path]:
    # "next" is a file of the journal that is about to get its name.
    return sorted(
        each for each in folder.iterdir() if files.first_of(each.name) is None and each.name != "next"
    )
