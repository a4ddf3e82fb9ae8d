"""
Dead letters: events that a sink will never take, with the reason, until an operator retries or drops them.

The journal is trimmed, so each letter holds its whole event.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gateway import event
from gateway.sqlite import MAX_INTEGER
from gateway.state import progress
from gateway.state.base import Connection, Database
from gateway.state.letters import Burial, Choice, Group, Letter
from gateway.state.tally import Tally

MAX_TEXT = 4096
"""The most characters kept of a message or of a target's answer."""


_COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Letter))
_PAGE = 500
_PORTION = 50_000
"""The most letters that one statement changes; PostgreSQL cancels a statement that takes too long."""


class DeadLetters:
    """Thread-safe. Every method blocks and may raise StateUnavailable; it then has had no effect."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def select(self, choice: Choice, limit: int | None = None, after: int = 0) -> Iterator[Letter]:
        """Yield letters with ids above `after`, the oldest first, in pages, so that writers need not wait."""
        condition, values = choice.condition()
        last, left = after, limit
        while left is None or left > 0:
            page = _PAGE if left is None else min(left, _PAGE)
            with self._database.reading() as connection:
                rows: list[Any] = connection.execute(
                    f"SELECT {_COLUMNS} FROM dead WHERE {condition} AND id > ? ORDER BY id LIMIT ?",  # noqa: S608  # columns and placeholders only
                    (*values, last, page),
                ).fetchall()
            yield from (Letter(*row) for row in rows)
            if len(rows) < page:
                return
            last = rows[-1][0]
            left = None if left is None else left - len(rows)

    def of_event(self, sink: str, partition: str, position: int, epoch: int) -> Letter | None:
        """Return the letter of an event at a sink, if there is one."""
        with self._database.reading() as connection:
            row: Any = connection.execute(
                f"SELECT {_COLUMNS} FROM dead"  # noqa: S608
                " WHERE sink = ? AND partition = ? AND position = ? AND epoch = ?",
                (sink, partition, position, epoch),
            ).fetchone()
        return Letter(*row) if row else None

    def count(self, choice: Choice) -> Counter[tuple[str, str]]:
        """Return the number of letters by sink and code."""
        condition, values = choice.condition()
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute(
                f"SELECT sink, code, count(*) FROM dead WHERE {condition} GROUP BY sink, code",  # noqa: S608
                values,
            ).fetchall()
        return Counter({(sink, code): letters for sink, code, letters in rows})

    def groups(self, choice: Choice) -> list[Group]:
        """Return the letters by code and event name, or by type if there is no name."""
        condition, values = choice.condition()
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute(
                "SELECT code, CASE event WHEN '' THEN type ELSE event END AS name, count(*),"  # noqa: S608  # placeholders only
                f" max(last_failed_at), max(id) FROM dead WHERE {condition} GROUP BY code, name",
                values,
            ).fetchall()
        return [Group(*row) for row in rows]

    def size(self, sink: str) -> int:
        """Return the size of a sink's letters: the bytes of the events, and the characters of the reasons."""
        with self._database.reading() as connection:
            found: Any = connection.execute("SELECT bytes FROM dead_bytes WHERE sink = ?", (sink,)).get
        return found or 0

    def of_job(
        self,
        job: int,
        events: int,
        size: int,
        partitions: Collection[str] | None = None,
        before: int | None = None,
    ) -> list[Letter]:
        """
        Return the next letters that a job retries: of one partition and epoch, in order of position.

        At most `events` of them, and at most `size` bytes unless a single one is larger; or all those before
        the position `before`. With `partitions`, only letters of these.
        """
        condition = "job = ?"
        values: list[Any] = [job, *(partitions or ())]
        if partitions is not None:
            condition += f" AND partition IN ({', '.join('?' * len(partitions)) or 'NULL'})"
        if before is not None:
            condition, events, size = f"{condition} AND position < ?", MAX_INTEGER, MAX_INTEGER
            values.append(before)
        found: list[Letter] = []
        for letter in self._in_order(condition, values, events):
            size -= len(letter.canonical) + 1
            if found and (size < 0 or not _same_stretch(letter, found[0])):
                break
            found.append(letter)
        return found

    def _in_order(self, condition: str, values: list[Any], most: int) -> Iterator[Letter]:
        """Yield letters by partition and position, in pages, so that only a few are in memory."""
        place: tuple[str, int, int] = ("", -1, 0)
        while most > 0:
            page = min(most, _PAGE)
            with self._database.reading() as connection:
                rows: list[Any] = connection.execute(
                    f"SELECT {_COLUMNS} FROM dead WHERE {condition}"  # noqa: S608
                    " AND (partition, position, epoch) > (?, ?, ?)"
                    " ORDER BY partition, position, epoch LIMIT ?",
                    (*values, *place, page),
                ).fetchall()
            for row in rows:
                letter = Letter(*row)
                place = letter.partition, letter.position, letter.epoch
                yield letter
            if len(rows) < page:
                return
            most -= page

    def drop(self, choice: Choice) -> int:
        """
        Delete letters, and return their number; they then count as skipped, reason "dropped".

        This also holds for a letter that a job is retrying, even if the sink accepts it meanwhile.
        """
        sinks = ["", *{sink for sink, _ in self.count(choice)}]
        condition, values = choice.condition()
        condition, values = f"{condition} AND sink IN ({', '.join('?' * len(sinks))})", [*values, *sinks]
        dropped = 0
        with self._database.writing(*sinks) as connection:
            for portion in _portions(connection, condition, values):
                dropped += _drop(connection, f"{condition} AND {_IN_PORTION}", [*values, *portion])
        return dropped


_BYTES = "length(canonical) + length(answer) + length(message)"
_BURY = f"""
    INSERT INTO dead ({_COLUMNS.removeprefix("id, ")}) VALUES ({", ".join("?" * 19)})
"""  # noqa: S608
_UNBURY = f"""
    DELETE FROM dead WHERE sink = ? AND partition = ? AND position = ? AND epoch = ? RETURNING {_BYTES}
"""  # noqa: S608


def bury(connection: Connection, sink: str, partition: str, burials: Iterable[Burial]) -> None:
    """Store letters, within a transaction. If an event already has a letter, it is replaced."""
    for each in burials:
        old: Any = connection.execute(_UNBURY, (sink, partition, each.position, each.epoch)).get
        message, answer = _clean(each.message), _clean(each.answer)
        subject = _subject(each.canonical)
        connection.execute(
            _BURY,
            (
                *(sink, partition, each.position, each.epoch, each.batch, each.code, message, answer),
                *(each.tries, each.first_failed_at, each.last_failed_at, subject.message_id),
                *(subject.source.name, subject.type, subject.event, subject.user_id, subject.anonymous_id),
                *(each.canonical, None),
            ),
        )
        _resize(connection, sink, len(each.canonical) + len(message) + len(answer) - (old or 0))


def resolve(connection: Connection, letters: Sequence[Letter]) -> None:
    """
    Delete letters that were delivered, within a transaction; they then count as delivered.

    Those that were dropped or replaced meanwhile stay as they are.
    """
    for letter in letters:
        connection.execute("DELETE FROM dead WHERE id = ?", (letter.id,))
        if not connection.changes():
            continue
        moved = Tally({("dead", letter.code): -1, ("delivered", ""): 1})
        progress.add(connection, letter.sink, letter.partition, moved)
        _resize(connection, letter.sink, -len(letter.canonical) - len(letter.message) - len(letter.answer))


def fail_again(connection: Connection, letter: Letter, burial: Burial) -> None:
    """
    Store the failure of another try of a letter, within a transaction, and release it from its job.

    Has no effect on a letter that was dropped or replaced meanwhile.
    """
    message, answer = _clean(burial.message), _clean(burial.answer)
    connection.execute(
        "UPDATE dead SET batch = ?, code = ?, message = ?, answer = ?, tries = tries + ?, last_failed_at = ?,"
        " job = NULL WHERE id = ?",
        (burial.batch, burial.code, message, answer, burial.tries, burial.last_failed_at, letter.id),
    )
    if not connection.changes():
        return
    moved = Tally({("dead", letter.code): -1})
    moved[("dead", burial.code)] += 1
    progress.add(connection, letter.sink, letter.partition, moved)
    _resize(connection, letter.sink, len(message) + len(answer) - len(letter.message) - len(letter.answer))


def claim(connection: Connection, job: int, choice: Choice, sink: str, most: int) -> int:
    """
    Assign a sink's letters to a job, the oldest first and at most `most`, within a transaction.

    Return their number. Letters of other jobs are left out.
    """
    condition, values = choice.condition()
    condition, values = f"{condition} AND sink = ? AND job IS NULL", [*values, sink]
    claimed = 0
    for portion in _portions(connection, condition, values, most):
        connection.execute(
            f"UPDATE dead SET job = ? WHERE {condition} AND {_IN_PORTION}",  # noqa: S608
            (job, *values, *portion),
        )
        claimed += connection.changes()
    return claimed


def release(connection: Connection, job: int) -> None:
    """Release all letters of a job, within a transaction."""
    for portion in _portions(connection, "job = ?", [job]):
        connection.execute(f"UPDATE dead SET job = NULL WHERE job = ? AND {_IN_PORTION}", (job, *portion))  # noqa: S608


def _drop(connection: Connection, condition: str, values: list[object]) -> int:
    rows: list[Any] = connection.execute(
        f"SELECT sink, partition, code, count(*), sum({_BYTES}) FROM dead"  # noqa: S608
        f" WHERE {condition} GROUP BY sink, partition, code",
        values,
    ).fetchall()
    for sink, partition, code, letters, size in rows:
        moved = Tally({("dead", code): -letters, ("skipped", "dropped"): letters})
        progress.add(connection, sink, partition, moved)
        _resize(connection, sink, -size)
    connection.execute(f"DELETE FROM dead WHERE {condition}", values)  # noqa: S608
    return sum(row[3] for row in rows)


_IN_PORTION = "id > ? AND id <= ?"


def _portions(
    connection: Connection, condition: str, values: list[object], most: int = MAX_INTEGER
) -> Iterator[tuple[int, int]]:
    """Yield ranges of ids with at most _PORTION letters each: the id before the first, and the last id."""
    last = 0
    while most > 0:
        wanted = min(most, _PORTION)
        page = f"SELECT id FROM dead WHERE {condition} AND id > ? ORDER BY id LIMIT ?"  # noqa: S608
        statement = f"SELECT count(*), max(id) FROM ({page}) AS page"  # noqa: S608
        letters, end = connection.execute(statement, (*values, last, wanted)).fetchone()
        if letters:
            yield last, end
        if letters < wanted:
            return
        last = end
        most -= letters


def _resize(connection: Connection, sink: str, added: int) -> None:
    connection.execute(
        "INSERT INTO dead_bytes VALUES (?, ?)"
        " ON CONFLICT (sink) DO UPDATE SET bytes = dead_bytes.bytes + excluded.bytes",
        (sink, added),
    )


def _subject(line: bytes) -> event.Subject:
    """Return the subject of an event; an empty one for a line that is not an event."""
    try:
        return event.read_subject(line)
    except (msgspec.DecodeError, ValueError):
        return event.Subject("", "", event.Origin("", ""))


def _clean(text: str) -> str:
    """Return at most MAX_TEXT characters of a text, in a form that every database can store."""
    return text[:MAX_TEXT].replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _same_stretch(one: Letter, other: Letter) -> bool:
    return (one.partition, one.epoch) == (other.partition, other.epoch)
