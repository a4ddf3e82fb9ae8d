"""Deleting what every sink has, a whole file at a time."""

import time
from collections.abc import Collection, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import apsw
import structlog

from gateway.journal import files, room
from gateway.journal.positions import Positions

log = structlog.get_logger()

# Less room than this, and what was delivered goes before its time: better than to refuse new events.
_SHORT = 512 * 1024 * 1024
_SHORT_SHARE = 8


def trim(journal: Path, keep: float, max_size: int, sinks: Collection[str], positions: Positions) -> None:
    """
    Delete finished files that all `sinks` are past, once they are older than `keep` seconds.

    The last file of a shard stays, since its writer may be at work; and so does the last but one if nothing
    but the name of the last was made: else nobody would know how far the shard has counted.
    """
    passed = positions.positions()
    short = room.left(journal, max_size) < min(_SHORT, max_size // _SHORT_SHARE)
    for shard in files.shards(journal):
        reached = min((passed.get((sink, shard.name), 0) for sink in sinks), default=0)
        existing = files.files(shard)
        for file, successor in pairwise(existing):
            old = time.time() - file.changed() > keep
            if successor.first > reached or not (old or short) or not _count(existing, file):
                break
            file.delete()
            files.sync_folder(shard)
            log.info("journal file trimmed", file=str(file.path), early=not old)


def _count(existing: Sequence[files.File], file: files.File) -> bool:
    """Whether a file after this one says how far the shard has counted."""
    return any(_says(later) for later in reversed(existing) if later.first > file.first)


def _says(file: files.File) -> bool:
    try:
        with closing(files.open_for_reading(file.path)) as connection:
            return files.is_made(connection)
    except apsw.Error:
        return False
