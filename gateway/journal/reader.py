"""
Reading a shard from any position on, in order, beside the writer that may be at work.

What cannot be read is passed over and counted, never a reason to stop: a damaged row costs its own events.
"""

import zlib
from pathlib import Path
from typing import cast

import apsw
import msgspec
import structlog

from gateway.journal import files

log = structlog.get_logger()

_MOST_BYTES = 1024 * 1024  # of one passage; a chunk is never divided by it
_MOST_ROWS = 500

# From the chunk that holds a position on: a seek, where `id + count > ?` would read all there is.
_FROM = """
    SELECT id, count, received_at, crc, lines FROM chunks
    WHERE id >= coalesce((SELECT max(id) FROM chunks WHERE id <= :position), :position)
    ORDER BY id LIMIT :rows
"""

Row = tuple[int, int, int, int, bytes]
"""id, count, received_at, crc, lines"""


class Passage(msgspec.Struct):
    """A piece of a shard."""

    lines: list[bytes]
    """Canonical events."""
    end: int
    """The position after it."""
    lost: int = 0
    """Events that were in it, and cannot be read any more."""
    received_at: int = 0
    """When its first chunk was committed, in milliseconds since 1970."""


class Reader:
    """Not for more than one thread at a time. A position is the sequence number of the next event."""

    def __init__(self, shard: Path) -> None:
        self.shard = shard
        self._inode = 0
        self._connection: apsw.Connection | None = None

    def read(self, position: int) -> Passage | None:
        """What comes next; None if there is nothing yet. apsw.Error if it cannot be said now."""
        while True:
            file, successor = self._find(position)
            if file is None:
                return None
            if position < file.first:  # what was before is no longer kept
                return Passage([], file.first, lost=file.first - position)
            try:
                rows = self._rows(file, position)
                if not rows and successor:
                    # Its last commit may have come between the two looks.
                    rows = self._rows(file, position)
            except (apsw.Error, OSError) as error:
                self.close()
                if successor:
                    log.error("journal file damaged", file=str(file.path), error=str(error))
                    return self._salvage(file, successor, position)
                if isinstance(error, apsw.SQLError):  # the file is being made, and has no tables yet
                    return None
                raise
            if rows:
                return self._passage(rows, position)
            if not successor:
                return None
            if position < successor.first:
                lost = max(0, self._follows(successor) - position)
                return Passage([], successor.first, lost)

    def oldest(self) -> int:
        """The position of the oldest event that is kept."""
        existing = files.files(self.shard)
        return existing[0].first if existing else 0

    def newest(self) -> int:
        """The position after the newest event, as far as it can be read."""
        for file in reversed(files.files(self.shard)):
            try:
                last = self._open(file).execute(files.LAST).get
            except (apsw.Error, OSError):
                self.close()
                continue
            return file.first if last is None else int(last)
        return 0

    def taken(self) -> int:
        """How many events the shard has ever taken and acknowledged."""
        for file in reversed(files.files(self.shard)):
            try:
                connection = self._open(file)
                last = connection.execute(files.LAST).get
                skipped = connection.execute("SELECT skipped FROM opened").get
            except (apsw.Error, OSError):
                self.close()
                continue
            return (file.first if last is None else int(last)) - int(skipped or 0)
        return 0

    def waiting_since(self, position: int) -> int | None:
        """When the next event was committed, in milliseconds since 1970; None if there is none yet."""
        passage = self.read(position)
        return passage.received_at if passage else None

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection, self._inode = None, 0

    def _find(self, position: int) -> tuple[files.File | None, files.File | None]:
        """The file that holds a position, or else the oldest, and the one after it."""
        existing = files.files(self.shard)
        place = max((i for i, file in enumerate(existing) if file.first <= position), default=0)
        file, successor, *_ = (*existing[place : place + 2], None, None)
        return file, successor

    def _open(self, file: files.File) -> apsw.Connection:
        # By its inode: a file that had no events yet may have been deleted and made again.
        inode = file.path.stat().st_ino
        if inode != self._inode or self._connection is None:
            self.close()
            self._connection, self._inode = files.open_for_reading(file.path), inode
        return self._connection

    def _rows(self, file: files.File, position: int, most: int = _MOST_ROWS) -> list[Row]:
        cursor = self._open(file).execute(_FROM, {"position": position, "rows": most})
        size, rows = 0, []
        for row in cursor:
            if row[0] + row[1] > position:
                rows.append(cast(Row, row))
                size += len(rows[-1][4])
            if size > _MOST_BYTES:
                break
        cursor.close()  # and with it the transaction, for whose end checkpoints wait
        return rows

    def _passage(self, rows: list[Row], position: int) -> Passage:
        lines: list[bytes] = []
        lost, received_at = 0, rows[0][2]
        for first, count, _, crc, data in rows:
            lost += max(0, first - position)
            chunk = data.split(b"\n")
            if zlib.crc32(data) != crc or len(chunk) != count:
                self._quarantine(first, data)
                lost += first + count - max(first, position)
            else:
                lines += chunk[max(0, position - first) :]
            position = first + count
        return Passage(lines, position, lost, received_at)

    def _salvage(self, file: files.File, successor: files.File, position: int) -> Passage:
        """The next row of a damaged file that can still be read, or else the way to its successor."""
        bad, good = position, position + 1
        while good < successor.first and not self._readable(file, good):
            bad, good = good, good + 2 * (good - position)
        if good >= successor.first:
            lost = max(0, self._follows(successor) - position)
            return Passage([], successor.first, lost)
        while good - bad > 1:
            middle = (bad + good) // 2
            bad, good = (bad, middle) if self._readable(file, middle) else (middle, good)
        return self._passage(self._rows(file, good, most=1), position)

    def _readable(self, file: files.File, position: int) -> bool:
        try:
            return bool(self._rows(file, position, most=1))
        except (apsw.Error, OSError):
            self.close()
            return False

    def _follows(self, file: files.File) -> int:
        """One past the last event that was acknowledged before a file was begun."""
        try:
            found = self._open(file).execute("SELECT follows FROM opened").get
        except (apsw.Error, OSError):
            self.close()
            return file.first
        return file.first if found is None else int(found)

    def _quarantine(self, first: int, data: bytes) -> None:
        """Keep a damaged chunk for somebody to look at."""
        folder = self.shard.parent / "quarantine"
        kept = folder / f"{self.shard.name}-{first:020d}.jsonl"
        log.error("journal row damaged", shard=self.shard.name, first=first, kept=str(kept))
        folder.mkdir(exist_ok=True)
        kept.write_bytes(data)
