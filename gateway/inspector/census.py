"""
The census: which events each source has sent, by name, and when it was first and last seen.

It reads the journal behind the intake, at a slow pace, and remembers how far it has read.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio
import apsw
import msgspec
import structlog
from anyio import to_thread

from gateway.diagnostics.shapes import MAX_NAMES, SOURCES, SOURCES_MS
from gateway.diagnostics.store import Store, fetch
from gateway.journal.base import Log, Position, Reader, UnknownPosition
from gateway.journal.chunk import Chunk

log = structlog.get_logger()

_BREAK_SECONDS = 0.1  # after each slice, so that a backlog costs a tenth of a core
_IDLE_SECONDS = 2.0
_SLICE_BYTES = 4 * 1024 * 1024
_MAX_NAME_CHARACTERS = 200

_GET = "SELECT events, warnings, first_seen, last_seen FROM names WHERE source = ? AND type = ? AND event = ?"
_PUT = """
    INSERT INTO names (expires_at, source, type, event, events, warnings, first_seen, last_seen)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, type, event) DO UPDATE SET
        expires_at = excluded.expires_at, events = excluded.events, warnings = excluded.warnings,
        first_seen = excluded.first_seen, last_seen = excluded.last_seen
"""
_MOVE = """
    INSERT INTO positions VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET number = excluded.number, epoch = excluded.epoch, at = excluded.at
"""


class _Source(msgspec.Struct):
    name: str


class _Warning(msgspec.Struct):
    code: str


class _Event(msgspec.Struct):
    """An excerpt of an event."""

    type: str
    source: _Source
    event: str = ""
    warnings: list[_Warning] = []


class Count(msgspec.Struct):
    """Counts of one source's events with one name."""

    events: int = 0
    warnings: dict[str, int] = {}
    """Events by code; an event with the same code twice counts twice."""
    first_seen: int = 0
    """Milliseconds since 1970, like `last_seen`."""
    last_seen: int = 0

    def add(self, other: "Count") -> None:
        """Add another count to this one."""
        self.first_seen = min(self.first_seen, other.first_seen) if self.events else other.first_seen
        self.last_seen = max(self.last_seen, other.last_seen)
        self.events += other.events
        for code, events in other.warnings.items():
            self.warnings[code] = self.warnings.get(code, 0) + events


Name = tuple[str, str, str]
"""Source, type and event name."""

_read = msgspec.json.Decoder(_Event).decode
_read_warnings = msgspec.json.Decoder(dict[str, int]).decode

_FAILURES_TO_TELL = 2
"""Consecutive failures before one is logged; a single one is due to a file that a writer has just moved."""


class Census:
    """Counts the events of a journal into `folder`. One thread at a time."""

    def __init__(self, folder: Path, journal: Log) -> None:
        self._folder = folder
        self._journal = journal
        self._store = Store(folder, SOURCES)
        self._readers: dict[str, Reader] = {}
        self._positions: dict[str, Position] = {}
        self._failures = 0
        """Consecutive failures."""

    async def run(self) -> None:
        """Count existing and new events until cancelled."""
        while True:
            more = await to_thread.run_sync(self._try)
            await anyio.sleep(_BREAK_SECONDS if more else _IDLE_SECONDS)

    def count(self) -> bool:
        """Count the next events of each partition; return whether there may be more. Raises OSError."""
        more = False
        for partition in self._journal.partitions():
            more |= self._count_partition(partition)
        return more

    def close(self) -> None:
        """Release all files."""
        for reader in self._readers.values():
            reader.close()
        self._store.close()

    def _try(self) -> bool:
        try:
            more = self.count()
        except Exception as error:  # the next round tries again; the other parts of the inspector go on
            self._failures += 1
            if self._failures == _FAILURES_TO_TELL:
                log.warning("sources not counted", error=str(error))
            return False
        self._failures = 0
        return more

    def _count_partition(self, partition: str) -> bool:
        reader = self._readers.get(partition)
        if reader is None:
            reader = self._journal.reader(partition)
            self._positions[partition] = self._recorded(partition) or Position(reader.oldest())
            self._readers[partition] = reader
        try:
            found = reader.read(self._positions[partition], _SLICE_BYTES)
        except UnknownPosition as error:  # an older copy of the journal was restored
            self._positions[partition] = Position(error.oldest)
            return True
        if found is None:
            return False
        counted = _count(found.chunks)
        at = found.chunks[-1].received_at if found.chunks else 0

        def store(database: apsw.Connection) -> None:
            for name, count in counted.items():
                _store(database, name, count)
            database.execute(_MOVE, (partition, found.end.number, found.end.epoch, at))

        if not self._store.write(store, at):
            return False
        self._positions[partition] = found.end
        return True

    def _recorded(self, partition: str) -> Position | None:
        rows = fetch(
            self._folder, SOURCES, "SELECT number, epoch FROM positions WHERE partition = ?", (partition,)
        )
        return Position(*rows[0]) if rows else None


def _count(chunks: Iterable[Chunk]) -> dict[Name, Count]:
    found: dict[Name, Count] = {}
    for chunk in chunks:
        at = chunk.received_at
        for line in chunk.lines():
            try:
                event = _read(line)
            except (
                msgspec.DecodeError,
                UnicodeDecodeError,
            ):  # not an event of ours; the others are still counted
                continue
            name = event.source.name, event.type, event.event[:_MAX_NAME_CHARACTERS]
            warnings: dict[str, int] = {}
            for warning in event.warnings:
                warnings[warning.code] = warnings.get(warning.code, 0) + 1
            found.setdefault(name, Count()).add(Count(1, warnings, at, at))
    return found


def _store(database: apsw.Connection, name: Name, count: Count) -> None:
    known: Any = database.execute(_GET, name).fetchone()
    if known is None:
        of_source: Any = database.execute("SELECT count(*) FROM names WHERE source = ?", name[:1]).get
        if of_source >= MAX_NAMES:
            name = name[0], "", ""
            known = database.execute(_GET, name).fetchone()
    if known:
        events, warnings, first_seen, last_seen = known
        count.add(Count(events, _read_warnings(warnings), first_seen, last_seen))
    values = (count.events, msgspec.json.encode(count.warnings).decode(), count.first_seen, count.last_seen)
    database.execute(_PUT, (count.last_seen + SOURCES_MS, *name, *values))
