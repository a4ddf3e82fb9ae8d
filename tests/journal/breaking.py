"""Breaking a journal as machines and disks do; only for files that a test has to itself."""

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
    """The partition in `folder` as it would be found if its writer had been killed just now."""
    target = copy / folder.name
    # A file that has no name of its own yet may get it at this moment.
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("next"))
    return target


@contextmanager
def full_disk(file: Path) -> Iterator[None]:
    """For as long as the block lasts, nothing can be written to a file that this process appends to."""
    number = appends_with(file)
    kept = os.dup(number)
    _replace(number, "/dev/full", os.O_RDWR)
    try:
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)


def failing_sync(file: Path) -> None:
    """Whatever this process appends to a file from now on fails, and not for want of room."""
    _replace(appends_with(file), "/dev/null", os.O_RDONLY)


def appends_with(file: Path) -> int:
    """The descriptor with which this process appends to a file: the only one that may read it as well."""
    [found] = [number for number, mode in opened(file).items() if mode == os.O_RDWR]
    return found


def opened(file: Path) -> dict[int, int]:
    """What this process has open of a file: the numbers of the descriptors, and what each is for."""
    found = {}
    for link in Path("/proc/self/fd").iterdir():
        try:
            if link.readlink() == file.resolve():
                found[int(link.name)] = int(told_of(link.name)["flags"], 8) & os.O_ACCMODE
        except FileNotFoundError:
            continue  # closed meanwhile
    return found


def deleted(folder: Path) -> list[str]:
    """What this process has open of files that were in a folder and have no name any more."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue  # as above
        if target.startswith(f"{folder.resolve()}/") and target.endswith(" (deleted)"):
            found.append(target)
    return found


def told_of(number: int | str) -> dict[str, str]:
    """What the system tells of a descriptor."""
    lines = Path(f"/proc/self/fdinfo/{number}").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


def _replace(number: int, device: str, mode: int) -> None:
    other = os.open(device, mode)
    os.dup2(other, number)
    os.close(other)


def flip(file: Path, text: bytes) -> None:
    """Change one bit of a text where it stands in a file."""
    content = file.read_bytes()
    flip_bit(file, content.index(text) * 8)


def flip_bit(file: Path, bit: int) -> None:
    """Change one bit of a file, without writing the rest of it again."""
    with file.open("r+b") as opened:
        opened.seek(bit // 8)
        byte = opened.read(1)[0]
        opened.seek(bit // 8)
        opened.write(bytes([byte ^ 1 << bit % 8]))


def zero(file: Path, start: int = 0, end: int | None = None) -> None:
    """Leave zeros in place of a part of a file; without a part, of all of it."""
    end = file.stat().st_size if end is None else end
    overwrite(file, start, bytes(end - start))


def overwrite(file: Path, start: int, data: bytes) -> None:
    """Change a part of a file, without writing the rest of it again."""
    with file.open("r+b") as opened:
        opened.seek(start)
        opened.write(data)


def cut(file: Path, size: int) -> None:
    """Leave a file only its beginning."""
    os.truncate(file, size)


def put_in_doubt(file: Path, first: int, lines: Sequence[bytes], epoch: int | None = None) -> None:
    """
    Write a chunk behind the durable end of a file: what a commit leaves whose sync failed, or that was
    killed before it told anybody. `epoch`: another than that of the file.
    """
    with file.open("r+b") as opened:
        header, end = files.read_header(opened.fileno()), files.read_end(opened.fileno())
    assert header
    assert end
    overwrite(file, end.offset, _packed(first, epoch or header.epoch, lines))


def make_file(file: Path, header: Header, *chunks: Sequence[bytes]) -> None:
    """Make a finished file, much faster than commits would and whatever it says of itself."""
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
