"""The state of each sink: its positions, its receipt, and the tally of the events before its positions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.journal.base import Position
from gateway.postgresql.place import Place
from gateway.state import dead, intents, jobs, places, progress
from gateway.state.base import Connection, Database, Fence
from gateway.state.dead import DeadLetters
from gateway.state.intents import Intent
from gateway.state.jobs import Jobs, Span
from gateway.state.letters import Burial, Letter
from gateway.state.orders import Orders
from gateway.state.progress import ANYWHERE
from gateway.state.statuses import Statuses
from gateway.state.tally import Tally, decode
from gateway.state.verdicts import Verdicts

_RECEIPT = "INSERT INTO receipts VALUES (?, ?) ON CONFLICT (sink) DO UPDATE SET receipt = excluded.receipt"


class Progress(NamedTuple):
    """How far a sink has got in a partition."""

    position: Position
    tally: Tally


class State:
    """
    The state of delivery, in state.db or in PostgreSQL.

    Thread-safe. Several processes may have it open; each writes for the sinks and partitions that it
    delivers. A method that writes blocks on the disk or the server, and in state.db for up to 10 s while
    another process writes, so call it in a thread.

    Every method may raise StateUnavailable and may then be called again. `paused` and methods that write may
    raise StateLost; the state must then be reopened. After an error nothing has been written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fence: Fence | None = None
        self.orders = Orders(database)
        self.dead = DeadLetters(database)
        self.jobs = Jobs(database)
        self.statuses = Statuses(database)
        self.verdicts = Verdicts(database)

    @staticmethod
    def prepare(place: Place, journal: bytes, *, expected: bool = False) -> None:
        """
        Ensure that there is a state of this journal. For a file, only the owner of its folder may call it.

        Call it before delivery is started, and again before each restart. A file that is damaged or belongs
        to another journal is set aside and recreated; `expected` logs a warning if there is none yet. Raises
        ConfigError, and StateUnavailable if a server cannot be reached now.
        """
        places.prepare(place, journal, expected=expected)

    @classmethod
    def open(cls, place: Place, journal: bytes) -> "State":
        """Open the state for reading and writing. Raises StateUnavailable unless it was prepared."""
        return cls(places.open_database(place, journal))

    @classmethod
    def open_read_only(cls, place: Place) -> "State":
        """Open the state for reading, concurrently with writers. Raises StateUnavailable if there is none."""
        return cls(places.open_read_only(place))

    def use_fence(self, fence: Fence) -> None:
        """Check with `fence`, in each transaction that records progress, that this process may do so."""
        self._fence = self.verdicts.fence = fence

    def _check(self, connection: Connection, sink: str, partition: str) -> None:
        if self._fence:
            self._fence.check(connection, sink, partition)

    def position(self, sink: str, partition: str) -> Position | None:
        """Return the position of a sink in a partition, or None if it has never started there."""
        with self._database.reading() as connection:
            found: Any = connection.execute(
                "SELECT position, epoch FROM progress WHERE sink = ? AND partition = ?", (sink, partition)
            ).fetchone()
        return Position(*found) if found else None

    def intent(self, sink: str, partition: str) -> Intent | None:
        """Return the batch that was about to be written from the position on, or None if there was none."""
        with self._database.reading() as connection:
            found: Any = connection.execute(
                "SELECT intent FROM progress WHERE sink = ? AND partition = ?", (sink, partition)
            ).get
        return intents.decode(found or "")

    def save_intent(self, sink: str, partition: str, intent: Intent) -> None:
        """Store the batch that is about to be written from the position on."""
        with self._database.writing(sink) as connection:
            self._check(connection, sink, partition)
            connection.execute(
                "UPDATE progress SET intent = ? WHERE sink = ? AND partition = ?",
                (intents.encode(intent), sink, partition),
            )

    def save_span(self, sink: str, job: int, partition: str, span: Span) -> None:
        """Store the batch of a job that is about to be written. Raises LeaseLost."""
        with self._database.writing(sink) as connection:
            self._check(connection, sink, partition)
            jobs.progressed(connection, job, 0, 0, partition, span)

    def receipt(self, sink: str) -> bytes:
        """Return the last recorded receipt of a sink, or b"" if there is none."""
        with self._database.reading() as connection:
            found: Any = connection.execute("SELECT receipt FROM receipts WHERE sink = ?", (sink,)).get
        return bytes(found) if found else b""

    def save_receipt(self, sink: str, receipt: bytes) -> None:
        """Store the receipt that a sink issued before its first write."""
        with self._database.writing(sink) as connection:
            connection.execute(_RECEIPT, (sink, receipt))

    def record(
        self,
        sink: str,
        partition: str,
        position: Position,
        tally: Mapping[tuple[str, str], int],
        receipt: bytes = b"",
        *,
        burials: Iterable[Burial] = (),
        intent: Intent | None = None,
        after: Position | None = ANYWHERE,
    ) -> None:
        """
        Store the progress of a sink durably, in one transaction. Raises LeaseLost.

        `after` is the recorded position as the caller knows it, None if there is none; if a different one is
        recorded, a second process is delivering these events, and nothing is written.

        `tally` counts what became of the events before `position` since the recorded one. Its counts are
        added, so a call must not be repeated after success. `burials` become dead letters, and `tally` counts
        them. With an empty receipt, the recorded one is retained. `intent` is the batch that follows.
        """
        with self._database.writing(sink) as connection:
            self._check(connection, sink, partition)
            progress.advance(connection, sink, partition, position, tally, intent, after)
            dead.bury(connection, sink, partition, burials)
            if receipt:
                connection.execute(_RECEIPT, (sink, receipt))

    def record_retry(
        self,
        sink: str,
        job: int,
        delivered: Sequence[Letter],
        failed: Sequence[tuple[Letter, Burial]],
        partition: str,
        span: Span,
        receipt: bytes = b"",
    ) -> None:
        """
        Store in one transaction the outcome of retried letters of a partition, and how far the job has got.

        Raises LeaseLost.
        """
        with self._database.writing(sink) as connection:
            self._check(connection, sink, partition)
            dead.resolve(connection, delivered)
            for letter, burial in failed:
                dead.fail_again(connection, letter, burial)
            jobs.progressed(connection, job, len(delivered), len(failed), partition, span)
            if receipt:
                connection.execute(_RECEIPT, (sink, receipt))

    def record_replay(
        self,
        sink: str,
        job: int,
        partition: str,
        span: Span,
        sent: int,
        refused: int,
        receipt: bytes = b"",
    ) -> None:
        """
        Store in one transaction how far a replay has got, and what it has sent since the last call.

        Raises LeaseLost, also if the replay has already got that far: a second process sends these events.
        """
        with self._database.writing(sink) as connection:
            self._check(connection, sink, partition)
            jobs.check_ahead(connection, job, partition, span)
            progress.add(connection, sink, partition, Tally({("replayed", ""): sent}))
            jobs.progressed(connection, job, sent, refused, partition, span)
            if receipt:
                connection.execute(_RECEIPT, (sink, receipt))

    def positions(self) -> dict[tuple[str, str], Position]:
        """Return all positions, by sink and partition."""
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute(
                "SELECT sink, partition, position, epoch FROM progress"
            ).fetchall()
        return {(sink, partition): Position(number, epoch) for sink, partition, number, epoch in rows}

    def progress(self, sink: str) -> dict[str, Progress]:
        """Return, by partition, the position and the tally of a sink as they were at one moment."""
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute(
                "SELECT partition, position, epoch, tallies FROM progress WHERE sink = ?", (sink,)
            ).fetchall()
        return {
            partition: Progress(Position(number, epoch), decode(text))
            for partition, number, epoch, text in rows
        }

    def tallies(self) -> dict[str, Tally]:
        """Return the tally of each sink over all partitions."""
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute("SELECT sink, tallies FROM progress").fetchall()
        found: dict[str, Tally] = {}
        for sink, text in rows:
            found.setdefault(sink, Tally()).update(decode(text))
        return found

    def paused(self) -> frozenset[str]:
        """Return the names of the paused sinks. Cheap enough to call 20 times a second."""
        return self.orders.paused()

    def close(self) -> None:
        """Close all connections. No call may follow."""
        self._database.close()
