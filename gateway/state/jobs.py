"""
Jobs: work for one sink beside live delivery, ordered by commands and the inspector.

A retry sends dead letters again. A replay sends a part of the journal again.
"""

import time
from typing import Any, Literal, get_args

import msgspec

from gateway.errors import LeaseLost
from gateway.journal.follow import Wanted
from gateway.sqlite import MAX_INTEGER
from gateway.state import dead
from gateway.state.base import Connection, Database
from gateway.state.intents import Intent
from gateway.state.letters import Choice

Kind = Literal["retry", "replay"]
JobState = Literal["running", "done", "cancelled", "failed"]


class Span(msgspec.Struct, array_like=True, omit_defaults=True):
    """The part of a partition that a job has yet to send."""

    next: int
    end: int
    intent: Intent | None = None
    """The batch that was about to be written from `next` on, if the sink recognizes batches by their id."""


class Job(msgspec.Struct, frozen=True):
    id: int
    sink: str
    kind: Kind
    state: JobState
    rate: float
    """The most events per second; 0: unlimited."""
    filters: str
    """JSON of a Choice of letters, or of a Selection of the journal."""
    positions: dict[str, Span]
    """By partition. A retry has only those with a batch in doubt, since its letters say what is left."""
    created_at: int
    """Milliseconds since 1970."""
    events: int
    """Number of events to send; for a replay, before the filters."""
    sent: int
    refused: int

    @property
    def suffix(self) -> str:
        """
        The end of its batches' ids, which no other job has.

        A recreated state uses the same numbers again, while targets remember ids and positions.
        """
        return f"~{self.kind}-{self.id}-{self.created_at}"

    @property
    def selection(self) -> "Selection":
        """The filters of a replay."""
        return msgspec.json.decode(self.filters, type=Selection)


class Selection(msgspec.Struct, frozen=True, omit_defaults=True):
    """The events of a replay."""

    wanted: Wanted = Wanted()
    since: int | None = None
    """The earliest time of the commit, in milliseconds since 1970."""
    until: int | None = None
    """One past the last."""


_COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Job))


class Jobs:
    """Thread-safe. Every method blocks and may raise StateUnavailable; it then has had no effect."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def retry(self, sink: str, choice: Choice, rate: float, limit: int | None) -> Job:
        """Order another try of letters that no other job retries, the oldest first and at most `limit`."""
        with self._database.writing(sink) as connection:
            id = _insert(connection, sink, "retry", rate, msgspec.json.encode(choice), {}, 0)
            marked = dead.claim(connection, id, choice, sink, MAX_INTEGER if limit is None else limit)
            connection.execute(
                "UPDATE jobs SET events = ?, state = ? WHERE id = ?",
                (marked, "running" if marked else "done", id),
            )
            return _read(connection, id)

    def replay(self, sink: str, selection: Selection, positions: dict[str, Span], rate: float) -> Job:
        """Order the replay of these ranges of the journal."""
        events = sum(span.end - span.next for span in positions.values())
        with self._database.writing(sink) as connection:
            id = _insert(connection, sink, "replay", rate, msgspec.json.encode(selection), positions, events)
            return _read(connection, id)

    def all(self, kind: Kind | None = None) -> list[Job]:
        """Return the jobs, the newest first."""
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE kind IN (?, ?) ORDER BY id DESC",  # noqa: S608
                (kind, kind) if kind else get_args(Kind),
            ).fetchall()
        return [_job(row) for row in rows]

    def read(self, id: int) -> Job | None:
        with self._database.reading() as connection:
            found: Any = connection.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (id,)).fetchone()  # noqa: S608
        return _job(found) if found else None

    def running(self, sink: str) -> list[Job]:
        """Return the unfinished jobs of a sink, the oldest first."""
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE sink = ? AND state = 'running' ORDER BY id",  # noqa: S608
                (sink,),
            ).fetchall()
        return [_job(row) for row in rows]

    def finish(self, id: int, state: JobState) -> bool:
        """End a job and release its letters; return False if it had ended before."""
        job = self.read(id)
        with self._database.writing(job.sink if job else "") as connection:
            connection.execute("UPDATE jobs SET state = ? WHERE id = ? AND state = 'running'", (state, id))
            ended = connection.changes() > 0
            dead.release(connection, id)
        return ended


def progressed(
    connection: Connection,
    job: int,
    sent: int,
    refused: int,
    partition: str,
    span: Span,
) -> None:
    """Count what a job has sent, and store how far it has got in a partition, within a transaction."""
    connection.execute(
        "UPDATE jobs SET sent = sent + ?, refused = refused + ? WHERE id = ?", (sent, refused, job)
    )
    positions = {**_read(connection, job).positions, partition: span}
    text = msgspec.json.encode(positions).decode()
    connection.execute("UPDATE jobs SET positions = ? WHERE id = ?", (text, job))


def check_ahead(connection: Connection, job: int, partition: str, span: Span) -> None:
    """Raise LeaseLost, within a transaction, if a replay has already got that far."""
    if _read(connection, job).positions[partition].next >= span.next:
        raise LeaseLost(f"another process has sent partition {partition} of job {job}")


def _insert(
    connection: Connection,
    sink: str,
    kind: Kind,
    rate: float,
    filters: bytes,
    positions: dict[str, Span],
    events: int,
) -> int:
    now = time.time_ns() // 1_000_000
    row = (sink, kind, rate, filters.decode(), msgspec.json.encode(positions).decode(), now, events)
    found: Any = connection.execute(
        "INSERT INTO jobs (sink, kind, state, rate, filters, positions, created_at, events, sent, refused)"
        " VALUES (?, ?, 'running', ?, ?, ?, ?, ?, 0, 0) RETURNING id",
        row,
    ).get
    return int(found)


def _read(connection: Connection, id: int) -> Job:
    return _job(connection.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (id,)).fetchone())  # noqa: S608


_positions = msgspec.json.Decoder(dict[str, Span]).decode


def _job(row: Any) -> Job:
    id, sink, kind, state, rate, filters, positions, *rest = row
    return Job(id, sink, kind, state, rate, filters, _positions(positions), *rest)
