"""
state.db: how far each sink has come, and what became of the events before; owned by delivery.

A sink's position, its own notes and its tallies change in one transaction, so that they always agree:
whatever happens, what is counted up to a position was dealt with up to there.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import apsw
import structlog

from gateway.journal import files

log = structlog.get_logger()

Tally = Counter[tuple[str, str]]
"""Events by outcome and reason; see OUTCOMES."""

OUTCOMES = {
    "delivered": "taken by the sink",
    "filtered": "not for this sink: by source, type, consent or integrations",
    "dead": "not deliverable: damaged, the journal could not be read any more",
    "skipped": "accepted before the sink was configured, and no longer kept",
}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sinks (name TEXT PRIMARY KEY, notes BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (
    sink TEXT NOT NULL, shard TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (sink, shard)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tallies (
    sink TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL, events INTEGER NOT NULL,
    PRIMARY KEY (sink, outcome, reason)
) WITHOUT ROWID;
"""
_TALLY = """
    INSERT INTO tallies VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET events = events + excluded.events
"""


def beside(journal: Path) -> Path:
    """Where the state of a journal's sinks lies."""
    return journal.parent / "state.db"


class Positions:
    """For all threads of one process; one process at a time may write."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._turn = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> "Positions":
        """To write; what cannot be read is kept aside."""
        try:
            return cls(_open(path))
        except (apsw.CorruptError, apsw.NotADBError) as error:
            # Sinks start again from the oldest event that is kept: twice is better than never.
            aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
            log.error("state damaged, starting anew", error=str(error), kept=str(aside))
            for suffix in ("", "-wal", "-shm"):
                old = Path(f"{path}{suffix}")
                if old.exists():
                    old.rename(f"{aside}{suffix}")
            return cls(_open(path))

    @classmethod
    def look(cls, path: Path) -> "Positions":
        """To read beside the process that writes; apsw.Error if there is nothing yet."""
        return cls(files.open_for_reading(path))

    def start(self, sink: str, shard: str, oldest: int, skipped: int | None = None) -> int:
        """
        Where a sink goes on in a shard; a new one begins with the `oldest` event that is kept, and has
        `skipped` those before: as many as there are numbers, if nothing else is said.
        """
        with self._turn:
            found = self._connection.execute(
                "SELECT position FROM positions WHERE sink = ? AND shard = ?", (sink, shard)
            ).get
        if found is not None:
            return int(found)
        self.record(sink, shard, oldest, Tally({("skipped", ""): oldest if skipped is None else skipped}))
        return oldest

    def notes(self, sink: str) -> bytes:
        """What the sink wanted to remember with its position; nothing at first."""
        with self._turn:
            found = self._connection.execute("SELECT notes FROM sinks WHERE name = ?", (sink,)).get
        return bytes(found) if found else b""

    def note(self, sink: str, notes: bytes) -> None:
        """Remember what a sink says before it was given anything."""
        with self._turn, self._connection as connection:
            connection.execute("INSERT OR REPLACE INTO sinks VALUES (?, ?)", (sink, notes))

    def record(
        self, sink: str, shard: str, position: int, tally: Mapping[tuple[str, str], int], notes: bytes = b""
    ) -> None:
        """Make a sink's progress durable; apsw.Error if that fails, and then nothing of it has happened."""
        with self._turn, self._connection as connection:
            connection.execute("INSERT OR REPLACE INTO positions VALUES (?, ?, ?)", (sink, shard, position))
            if notes:
                connection.execute("INSERT OR REPLACE INTO sinks VALUES (?, ?)", (sink, notes))
            connection.executemany(
                _TALLY, [(sink, *kind, events) for kind, events in tally.items() if events]
            )

    def positions(self) -> dict[tuple[str, str], int]:
        """All positions, by sink and shard."""
        with self._turn:
            rows = self._connection.execute("SELECT sink, shard, position FROM positions").fetchall()
        return {(str(sink), str(shard)): int(position) for sink, shard, position in rows}  # type: ignore[arg-type]  # apsw's rows are of any type

    def tallies(self) -> dict[str, Tally]:
        """What became of all events, by sink."""
        with self._turn:
            rows = self._connection.execute("SELECT * FROM tallies").fetchall()
        found: dict[str, Tally] = {}
        for sink, outcome, reason, events in rows:
            found.setdefault(str(sink), Tally())[(str(outcome), str(reason))] = int(events)  # type: ignore[arg-type]  # as above
        return found

    def close(self) -> None:
        self._connection.close()


def _open(path: Path) -> apsw.Connection:
    connection = files.open_for_writing(path, create=True)
    connection.set_busy_timeout(5000)
    connection.wal_autocheckpoint(200)
    try:
        if connection.pragma("quick_check", 1) != "ok":  # a damaged page would stop every sink for ever
            raise apsw.CorruptError("quick_check")
        connection.execute(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
