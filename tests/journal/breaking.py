"""Faults of machines and disks: damage, full disks and I/O errors on the files of a journal."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gateway.journal import chunk
from gateway.journal.chunk import Chunk
from gateway.journal.segments import files
from gateway.journal.segments.files import START, End, Header


def crashed(folder: Path, copy: Path) -> Path:
    """Return a copy of a partition as it would be if its writer were killed now."""
    target = copy / folder.name
    # The next file may be renamed at this moment.
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("next"))
    return target


@contextmanager
def full_disk(file: Path) -> Iterator[None]:
    """Make writes to a file of this process fail with a full disk for the duration of the block."""
    number = appends_with(file)
    kept = os.dup(number)
    _replace(number, "/dev/full", os.O_RDWR)
    try:
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)


def failing_sync(file: Path) -> None:
    """Make appends of this process to a file fail from now on with an I/O error."""
    _replace(appends_with(file), "/dev/null", os.O_RDONLY)


def appends_with(file: Path) -> int:
    """Return the descriptor with which this process appends to a file: the only one open for reading too."""
    [found] = [number for number, mode in opened(file).items() if mode == os.O_RDWR]
    return found


def opened(file: Path) -> dict[int, int]:
    """Return the descriptors that this process has open on a file, with their access modes."""
    found = {}
    for link in Path("/proc/self/fd").iterdir():
        try:
            if link.readlink() == file.resolve():
                found[int(link.name)] = int(descriptor_info(link.name)["flags"], 8) & os.O_ACCMODE
        except FileNotFoundError:
            continue  # closed in the meantime
    return found


def deleted(folder: Path) -> list[str]:
    """Return the deleted files of a folder that this process has open."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue  # as above
        if target.startswith(f"{folder.resolve()}/") and target.endswith(" (deleted)"):
            found.append(target)
    return found


def descriptor_info(number: int | str) -> dict[str, str]:
    """Return what the system knows about a descriptor."""
    lines = Path(f"/proc/self/fdinfo/{number}").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


def _replace(number: int, device: str, mode: int) -> None:
    other = os.open(device, mode)
    os.dup2(other, number)
    os.close(other)


def flip(file: Path, text: bytes) -> None:
    """Flip one bit of the first occurrence of a text in a file."""
    content = file.read_bytes()
    flip_bit(file, content.index(text) * 8)


def flip_bit(file: Path, bit: int) -> None:
    """Flip one bit of a file in place."""
    with file.open("r+b") as opened:
        opened.seek(bit // 8)
        byte = opened.read(1)[0]
        opened.seek(bit // 8)
        opened.write(bytes([byte ^ 1 << bit % 8]))


def zero(file: Path, start: int = 0, end: int | None = None) -> None:
    """Overwrite a range of a file, by default all of it, with zeros."""
    end = file.stat().st_size if end is None else end
    overwrite(file, start, bytes(end - start))


def overwrite(file: Path, start: int, data: bytes) -> None:
    """Overwrite a range of a file in place."""
    with file.open("r+b") as opened:
        opened.seek(start)
        opened.write(data)


def truncate(file: Path, size: int) -> None:
    """Truncate a file."""
    os.truncate(file, size)


def put_in_doubt(file: Path, first: int, lines: Sequence[bytes], epoch: int | None = None) -> None:
    """
    Write a chunk after the durable end of a file, as a commit does whose sync failed or that was killed.

    `epoch` replaces the epoch of the file.
    """
    with file.open("r+b") as opened:
        header, end = files.read_header(opened.fileno()), files.read_end(opened.fileno())
    assert header
    assert end
    overwrite(file, end.offset, _packed(first, epoch or header.epoch, lines))


def make_file(file: Path, header: Header, *chunks: Sequence[bytes]) -> None:
    """Create a finished file without commits, with any header."""
    parts, first = [], header.first
    for lines in chunks:
        parts.append(_packed(first, header.epoch, lines))
        first += len(lines)
    data = b"".join(parts)
    file.write_bytes(bytes(START) + data)
    with file.open("r+b") as opened:
        files.write_header(opened.fileno(), header, End(START + len(data), first, finished=True))


def _packed(first: int, epoch: int, lines: Sequence[bytes]) -> bytes:
    data = b"".join(line + b"\n" for line in lines)
    made = Chunk(first, len(lines), epoch, files.milliseconds(), chunk.ANYTHING, data)
    return chunk.encode_header(made) + data
