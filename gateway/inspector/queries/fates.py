"""The fate of an event at each sink, derived from state, verdicts and filters."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import msgspec

from gateway.delivery.route import Route
from gateway.journal.base import Position, Reader
from gateway.raw import timestamps
from gateway.sinks.base import Sink
from gateway.state.store import State

Outcome = Literal["delivered", "filtered", "duplicate", "dead", "pending"]

_UNCERTAIN = "Unless it is {} that operators skipped, or dropped as dead letters."


class Fate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of an event at one sink."""

    sink: str
    outcome: Outcome
    reason: str = ""
    """Why it was filtered (source, type, event, consent or integrations), or the code of the dead letter."""
    message: str = ""
    """The dead letter's message; or why the event is pending; or what is uncertain."""
    answer: str = ""
    """The target's answer, for a dead letter."""
    letter: int | None = None
    """The id of the dead letter."""
    of: str | None = None
    """The position of the event that this one is a duplicate of, if it is still in the journal."""
    at: str | None = None
    """When it was delivered or failed, ISO-8601 UTC, if that was recorded."""
    batch: str | None = None
    """The batch in which it was delivered or failed, if that was recorded."""
    dry_run: bool = False
    """True if it counts as delivered but was not sent, since the sink has `dry_run`."""


class Located(NamedTuple):
    """An event in the journal."""

    partition: str
    number: int
    epoch: int
    line: bytes


def fates(
    state: State,
    sinks: Mapping[str, Sink],
    event: Located,
    reader: Reader,
    original: Callable[[], str | None],
) -> list[Fate]:
    """
    Return what became of an event at each sink.

    `original` finds the position of the event that this one duplicates; it is called only for a duplicate.
    Filters are judged as they are now, although others may have applied. Raises StateUnavailable and OSError.
    """
    is_duplicate = bool(state.verdicts.duplicates(event.partition, event.number, event.number + 1))
    of = original() if is_duplicate else None
    paused = state.paused()
    found = []
    for name, sink in sinks.items():
        letter = state.dead.of_event(name, event.partition, event.number, event.epoch)
        progress = state.progress(name).get(event.partition)
        if letter:
            fate = Fate(
                sink=name,
                outcome="dead",
                reason=letter.code,
                message=letter.message,
                answer=letter.answer,
                letter=letter.id,
                at=timestamps.write(letter.last_failed_at),
                batch=letter.batch,
            )
        elif progress is None or not _is_past(progress.position, event, reader):
            fate = Fate(sink=name, outcome="pending", message=_waiting(state, name, paused=name in paused))
        elif is_duplicate:
            fate = Fate(sink=name, outcome="duplicate", of=of)
        elif reason := Route(name, sink).reason(event.line):
            fate = Fate(sink=name, outcome="filtered", reason=reason)
        else:
            passed = progress.tally["skipped", "operator"] + progress.tally["skipped", "dropped"]
            those = "the one event here" if passed == 1 else f"one of the {passed:,} events here"
            message = _UNCERTAIN.format(those) if passed else ""
            fate = Fate(sink=name, outcome="delivered", message=message)
        found.append(fate)
    return found


def _is_past(position: Position, event: Located, reader: Reader) -> bool:
    """Return True if a sink is past the event; a position in another history says nothing about it."""
    return event.number < position.number and reader.accepts(position)


def _waiting(state: State, sink: str, *, paused: bool) -> str:
    """Return why an event is pending, or "" if it will be delivered at once."""
    status = state.statuses.read(sink)
    if paused:
        return "The sink is paused."
    return "" if status.state == "up" else f"The sink is {status.state}: {status.message}"
