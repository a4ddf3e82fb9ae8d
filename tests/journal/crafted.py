"""Crafted journal files, for tests that need exact or impossible content."""

import os
from pathlib import Path

from gateway.journal import chunk
from gateway.journal.chunk import Chunk
from gateway.journal.segments import files
from gateway.journal.segments.files import START, End, Header
from tests.build import event_lines


def write_file(folder: Path, header: Header, *chunks: Chunk) -> Path:
    """Write a finished file with the given chunks, valid or not."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / files.name(header.first)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    content = b"".join(chunk.encode_header(each) + each.data for each in chunks)
    end = End(START + len(content), max((each.end for each in chunks), default=header.first), finished=True)
    files.write_header(descriptor, header, end)
    files.write_all(descriptor, content, START)
    os.close(descriptor)
    return path


def chunk_of(start: int, end: int, *, epoch: int = 7, count: int | None = None, at: int = 0) -> Chunk:
    """Return a chunk of the events from `start` on, before `end`, committed at `at` (milliseconds)."""
    data = b"".join(line + b"\n" for line in event_lines(start, end))
    return Chunk(start, end - start if count is None else count, epoch, at, 0, data)


def offsets(file: Path) -> list[int]:
    """Return the offsets of a file's chunks."""
    content = file.read_bytes()
    found, place = [], content.find(chunk.MAGIC)
    while place >= 0:
        found.append(place)
        place = content.find(chunk.MAGIC, place + 1)
    return found
