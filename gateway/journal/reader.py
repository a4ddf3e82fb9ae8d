"""
Reading a shard from any position on, in order, beside the writer that may be at work.

What cannot be read is passed over and counted, never a reason to stop: a damaged row costs its own events.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import apsw
import msgspec
import structlog

from gateway.journal import files

log = structlog.get_logger()

_MOST_BYTES = 1024 * 1024  # of one passage; a chunk is never divided by it
_MOST_ROWS = 500
_MOST_FAILURES = 20  # of reading the same file, with a sink's back-off between them

# From the chunk that holds a position on: a seek, where `id + count > ?` would read all there is. The casts
# are for rows whose very types are damaged.
_FROM = """
    SELECT id, coalesce(CAST(count AS INTEGER), 0), coalesce(CAST(received_at AS INTEGER), 0),
           CAST(crc AS INTEGER), coalesce(CAST(lines AS BLOB), x'') FROM chunks
    WHERE id >= coalesce((SELECT max(id) FROM chunks WHERE id <= :position), :position)
    ORDER BY id LIMIT :rows
"""

Row = tuple[int, int, int, int, bytes]
"""id, count, received_at, crc, lines"""


class Unmade(Exception):
    """Only the name of a file was made, so far or for ever: there is no event in it."""


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

    def __init__(self, shard: Path, *, quarantine: bool = False) -> None:
        """`quarantine`: whether damaged chunks are kept, for somebody to look at."""
        self.shard = shard
        self.quarantine = quarantine
        self._inode = 0
        self._connection: apsw.Connection | None = None
        self._failures = 0

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
                if not self._is_damage(error):
                    raise
                return self._salvage(file, successor, position, error)
            self._failures = 0
            if rows:
                return self._passage(rows, position, successor)
            if not successor:
                return None
            if position < successor.first:
                follows = self._follows(successor)
                if follows is None:
                    return None
                return Passage([], successor.first, max(0, follows - position))

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

    def pending(self, position: int) -> int:
        """How many acknowledged events there are from a position on."""
        behind = self.newest() - position
        return max(0, behind - self._skipped(self.newest()) + self._skipped(position)) if behind > 0 else 0

    def acknowledged(self, position: int) -> int:
        """How many events before a position, which is that of a file's beginning, were acknowledged."""
        return position - self._skipped(position)

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
        try:
            cursor = self._query(file, _FROM, {"position": position, "rows": most})
        except Unmade:
            return []
        size, rows = 0, []
        for row in cursor:
            if row[0] + row[1] > position:
                rows.append(cast(Row, row))
                size += len(rows[-1][4])
            if size > _MOST_BYTES:
                break
        cursor.close()  # and with it the transaction, for whose end checkpoints wait
        return rows

    def _passage(self, rows: list[Row], position: int, successor: files.File | None) -> Passage:
        """What the rows hold; where one is damaged, its events are those that are missing then."""
        lines: list[bytes] = []
        lost, received_at, start = 0, rows[0][2], position
        most = successor.first if successor else math.inf
        for first, _, _, crc, data in rows:
            if files.checksum(first, data) != crc:
                self._quarantine(first, data)
            else:
                chunk = data.split(b"\n")
                lost += max(0, first - position)
                lines += chunk[max(0, position - first) :]
                position = first + len(chunk)
        if position == start:  # nothing but damage: on to where it seems to end
            position = int(min(max(start + 1, rows[-1][0] + rows[-1][1]), most))
            lost = position - start
        return Passage(lines, position, lost, received_at)

    def _salvage(
        self, file: files.File, successor: files.File | None, position: int, error: Exception
    ) -> Passage:
        """
        The next row of a damaged file that can still be read, or else the way to its end. Raises the
        error if the file is being written to and its end cannot be read.
        """
        log.error("journal file damaged", file=str(file.path), error=str(error))
        end = successor.first if successor else self._last(file)
        if end is None or end <= position:
            raise error
        bad, good = position - 1, position  # the damage that was met may lie further on
        while good < end and not self._readable(file, good):
            bad, good = good, good + 2 * (good - bad)
        if good >= end:
            follows = self._follows(successor) if successor else end
            if follows is None:
                raise error
            return Passage([], end, max(0, follows - position))
        while good - bad > 1:
            middle = (bad + good) // 2
            bad, good = (bad, middle) if self._readable(file, middle) else (middle, good)
        return self._passage(self._rows(file, good, most=1), position, successor)

    def _is_damage(self, error: Exception) -> bool:
        """Whether to give up what cannot be read: an I/O error may pass, and is believed in the end."""
        if isinstance(error, apsw.CorruptError | apsw.NotADBError | apsw.SQLError):
            return True
        self._failures += 1
        return self._failures > _MOST_FAILURES

    def _last(self, file: files.File) -> int | None:
        """The position after a file's newest event, if it can be read."""
        try:
            last = self._open(file).execute(files.LAST).get
        except (apsw.Error, OSError):
            self.close()
            return None
        return None if last is None else int(last)

    def _readable(self, file: files.File, position: int) -> bool:
        try:
            return bool(self._rows(file, position, most=1))
        except (apsw.Error, OSError) as error:
            self.close()
            if not self._is_damage(error):
                raise
            return False

    def _skipped(self, position: int) -> int:
        """Numbers before the file that holds a position which were never given to an acknowledged event."""
        file, _ = self._find(position)
        if file is None:
            return 0
        try:
            return int(self._query(file, "SELECT skipped FROM opened").get or 0)
        except Unmade:
            later = self._next(file)
            return max(0, self._skipped(later.first) - (later.first - position)) if later else 0
        except (apsw.Error, OSError):
            self.close()
            return 0

    def _follows(self, file: files.File) -> int | None:
        """
        One past the last event that was acknowledged before a file was begun, as it says or, if only its
        name was made, the next one; None if that is not to be known yet.
        """
        try:
            found = self._query(file, "SELECT follows FROM opened").get
        except Unmade:
            later = self._next(file)
            follows = self._follows(later) if later else None
            return None if follows is None else min(follows, file.first)
        except (apsw.Error, OSError) as error:
            self.close()
            if not self._is_damage(error):
                raise
            return file.first
        return file.first if found is None else int(found)

    def _next(self, file: files.File) -> files.File | None:
        return next((later for later in files.files(self.shard) if later.first > file.first), None)

    def _query(self, file: files.File, sql: str, bindings: Mapping[str, int] | None = None) -> apsw.Cursor:
        """Raise Unmade if there can be no answer, since there are no tables."""
        connection = self._open(file)
        try:
            return connection.execute(sql, bindings)
        except apsw.SQLError:
            if not files.is_made(connection):
                raise Unmade from None
            return connection.execute(sql, bindings)  # they may have come at this moment; else it is damage

    def _quarantine(self, first: int, data: bytes) -> None:
        """Keep a damaged chunk for somebody to look at."""
        if not self.quarantine:
            return
        folder = self.shard.parent / "quarantine"
        kept = folder / f"{self.shard.name}-{first:020d}.jsonl"
        log.error("journal row damaged", shard=self.shard.name, first=first, kept=str(kept))
        folder.mkdir(exist_ok=True)
        kept.write_bytes(data)
