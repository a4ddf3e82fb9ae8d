"""
Reports for operators: how each sink is doing, and the ledger, which accounts for every event.

Commands, metrics and the inspector show the same reports.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec

from gateway.journal.base import Log, Position, Reader
from gateway.raw import timestamps
from gateway.state.store import Progress, State
from gateway.state.tally import Tally


class LastError(msgspec.Struct, rename={"error_class": "class"}):
    """The last failure of a sink since it last accepted events."""

    error_class: str
    message: str
    since: str
    """ISO-8601 UTC."""


class SinkReport(msgspec.Struct, kw_only=True):
    """How one sink is doing."""

    name: str
    kind: str
    state: str
    """up, retrying, misconfigured or paused."""
    pending: int
    lag_seconds: float | None = None
    """Age of the oldest pending event."""
    oldest_received_at: str | None = None
    delivered: int = 0
    filtered: dict[str, int] = {}
    duplicate: int = 0
    dead: dict[str, int] = {}
    """Dead letters by code."""
    skipped: dict[str, int] = {}
    retries: int = 0
    replayed: int = 0
    error: LastError | None = None


class Account(msgspec.Struct):
    """What became of the events at one sink."""

    events: int
    """All that the journal ever had, plus those delivered again because the journal was restored."""
    delivered: int
    filtered: dict[str, int]
    duplicate: int
    dead: dict[str, int]
    skipped: dict[str, int]
    pending: int

    @property
    def difference(self) -> int:
        """The events that are not accounted for; 0 if all are."""
        parts = (self.filtered, self.dead, self.skipped)
        known = self.delivered + self.duplicate + self.pending + sum(sum(part.values()) for part in parts)
        return self.events - known


@contextmanager
def readers(journal: Log) -> Iterator[dict[str, Reader]]:
    """Lend a reader of each partition for the duration of the block. Raises OSError."""
    opened: dict[str, Reader] = {}
    try:
        for partition in journal.partitions():
            opened[partition] = journal.reader(partition)
        yield opened
    finally:
        for reader in opened.values():
            reader.close()


def report(name: str, kind: str, state: State, journal: Mapping[str, Reader], now: float) -> SinkReport:
    """Return how a sink is doing at `now`, in seconds since 1970. Raises StateUnavailable and OSError."""
    progress = state.progress(name)
    status = state.statuses.read(name)
    tally = _total(progress)
    pending, oldest = 0, None
    for partition, reader in journal.items():
        found = progress.get(partition)
        count, received = backlog(reader, found.position if found else Position(0))
        pending += count
        if received is not None:
            oldest = received if oldest is None else min(oldest, received)
    return SinkReport(
        name=name,
        kind=kind,
        state="paused" if name in state.paused() else status.state,
        pending=pending,
        lag_seconds=None if oldest is None else max(0.0, round(now - oldest / 1000, 3)),
        oldest_received_at=None if oldest is None else timestamps.write(oldest),
        delivered=tally[("delivered", "")],
        filtered=reasons(tally, "filtered"),
        duplicate=tally[("duplicate", "")],
        dead=reasons(tally, "dead"),
        skipped=reasons(tally, "skipped"),
        retries=status.retries,
        replayed=tally[("replayed", "")],
        error=LastError(status.error_class, status.message, timestamps.write(status.since))
        if status.error_class
        else None,
    )


def account(name: str, state: State, journal: Mapping[str, Reader]) -> Account:
    """Return the balance of a sink. Raises StateUnavailable and OSError."""
    progress = state.progress(name)
    tally = _total(progress)
    events = pending = 0
    for partition, reader in journal.items():
        found = progress.get(partition)
        newest = max(reader.newest(), found.position.number if found else 0)
        events += newest
        pending += newest - (found.position.number if found else 0)
    return Account(
        events + tally[("rewound", "")],
        tally[("delivered", "")],
        reasons(tally, "filtered"),
        tally[("duplicate", "")],
        reasons(tally, "dead"),
        reasons(tally, "skipped"),
        pending,
    )


def reasons(tally: Tally, outcome: str) -> dict[str, int]:
    """Return the counts of an outcome by reason."""
    return {reason: count for (known, reason), count in sorted(tally.items()) if known == outcome and count}


def backlog(reader: Reader, position: Position) -> tuple[int, int | None]:
    """Return the number of events after a position, and when the first one was stored, in ms since 1970."""
    if not reader.accepts(position):
        position = Position(reader.oldest())
    count = reader.newest() - position.number
    if count <= 0:
        return 0, None
    found = reader.read(position, limit=1)
    return count, found.chunks[0].received_at if found and found.chunks else None


def total(state: State, sink: str) -> Tally:
    """Return the tally of a sink over all partitions. Raises StateUnavailable."""
    return _total(state.progress(sink))


def _total(progress: Mapping[str, Progress]) -> Tally:
    total = Tally()
    for each in progress.values():
        total.update(each.tally)
    return total
