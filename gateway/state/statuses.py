"""The status of each sink: whether it accepts events, and the last error."""

import time
from typing import Any, Literal

import msgspec

from gateway.errors import SinkError
from gateway.state.base import Database

Condition = Literal["up", "retrying", "misconfigured"]


class Status(msgspec.Struct, frozen=True):
    """What delivery last experienced with a sink."""

    state: Condition = "up"
    error_class: str = ""
    """The name of the last error's class; empty if there is none."""
    message: str = ""
    """The last error and what the target said, in one line."""
    since: int = 0
    """When the sink entered this state, in milliseconds since 1970; 0: never started."""
    retries: int = 0
    """Failed attempts since the sink was first used."""
    held: bool = False
    """True if nothing more is sent until an operator resumes the sink."""


_READ = "SELECT state, class, message, since, retries, held FROM statuses WHERE sink = ?"
_WRITE = """
    INSERT INTO statuses (sink, state, class, message, since, retries, held) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (sink) DO UPDATE SET state = excluded.state, class = excluded.class,
        message = excluded.message, since = excluded.since, retries = excluded.retries, held = excluded.held
"""


class Statuses:
    """Thread-safe. Every method blocks and may raise StateUnavailable; it then has had no effect."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, sink: str) -> Status:
        with self._database.reading() as connection:
            found: Any = connection.execute(_READ, (sink,)).fetchone()
        return _status(found)

    def succeeded(self, sink: str) -> Status:
        """Record that the sink accepts events, and forget the last error."""
        return self._change(sink, Status())

    def failed(self, sink: str, state: Condition, error: Exception, *, held: bool = False) -> Status:
        """Record one failed attempt."""
        text = str(error)
        if isinstance(error, SinkError) and " ".join(error.answer.split()) not in text:
            text = f"{text}: {error.answer}"
        new = Status(state, type(error).__name__, " ".join(text.split()), held=held)
        return self._change(sink, new, retries=1)

    def release(self, sink: str) -> Status:
        """Record that an operator has resumed a sink that was held."""
        old = self.read(sink)
        return self._change(sink, old, release=True) if old.held else old

    def _change(self, sink: str, new: Status, retries: int = 0, *, release: bool = False) -> Status:
        """Store a status; a sink that is held, by whichever process, stays held until it is released."""
        now = time.time_ns() // 1_000_000
        with self._database.writing(sink) as connection:
            old = _status(connection.execute(_READ, (sink,)).fetchone())
            since = old.since if old.since and old.state == new.state else now
            held = (new.held or old.held) and not release
            new = msgspec.structs.replace(new, since=since, retries=old.retries + retries, held=held)
            *values, _ = msgspec.structs.astuple(new)
            connection.execute(_WRITE, (sink, *values, int(held)))
        return new


def _status(row: Any) -> Status:
    if not row:
        return Status()
    state, error_class, message, since, retries, held = row
    return Status(state, error_class, message, since, retries, bool(held))
