"""Sinks: their status, and orders to pause, resume, skip and test them."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Literal

import msgspec

from gateway import masking
from gateway.config.tables import Config, suggest
from gateway.inspector.queries.errors import InvalidQuery, NotFound
from gateway.inspector.queries.filters import moment
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.trial import SinkFailed, try_to_connect
from gateway.journal.base import Log, Reader
from gateway.state import report
from gateway.state.report import SinkReport
from gateway.state.store import State

_SKIP_SECONDS = 10.0
_LOOK_SECONDS = 0.1


class Ordered(msgspec.Struct, frozen=True):
    """An order that was placed; it takes effect within a second."""

    name: str
    state: str
    """The sink's state from now on: paused, or what it was before it was paused."""


class Skipped(msgspec.Struct, frozen=True):
    """The result of an order to skip."""

    name: str
    events: int
    """Pending events before the target; once done, those that were skipped."""
    done: bool
    """False if the order waits until the gateway runs and the sink can be stopped."""


class Tested(msgspec.Struct, frozen=True):
    """The result of a test of a sink."""

    name: str
    usable: bool
    message: str
    """`ok`, `in use by the running gateway`, or why the sink cannot be used."""


def sinks(inspection: Inspection) -> list[SinkReport]:
    """Return the status of each configured sink. Raises StateUnavailable and OSError."""
    with closing(State.open_read_only(inspection.state)) as state:
        return reports(inspection.config(), state, inspection.journal)


def sink(inspection: Inspection, name: str) -> SinkReport:
    """Return the status of one sink. Raises NotFound, StateUnavailable and OSError."""
    config = inspection.config()
    check(config, name)
    with (
        closing(State.open_read_only(inspection.state)) as state,
        report.readers(inspection.journal) as readers,
    ):
        return _report(config, name, state, readers, time.time())


def pause(inspection: Inspection, name: str) -> Ordered:
    """Pause delivery to a sink, durably. Raises NotFound and StateUnavailable."""
    with writing(inspection, name) as state:
        return order(state, name, "pause")


def resume(inspection: Inspection, name: str) -> Ordered:
    """Resume delivery to a sink and try it at once. Raises NotFound and StateUnavailable."""
    with writing(inspection, name) as state:
        return order(state, name, "resume")


def skip(inspection: Inspection, name: str, to: str = "now", *, dry_run: bool = False) -> Skipped:
    """
    Skip a sink's pending events before `to`: "now", a position such as 0/12, a time, or an age.

    Waits up to 10 s for delivery to do it. Raises NotFound, InvalidQuery, StateUnavailable and OSError.
    """
    with writing(inspection, name) as state:
        positions = targets(inspection.journal, to)
        events = pending_before(state, name, positions)
        if dry_run or not events:
            return Skipped(name, events, done=not events)
        return place_skip(state, name, positions, lambda: True)


def test(inspection: Inspection, name: str) -> Tested:
    """Connect to a sink as delivery does, within 10 s, and send nothing. Raises NotFound."""
    return try_out(inspection.config(), name)


def try_out(config: Config, name: str) -> Tested:
    """Connect to a sink as delivery does, within 10 s, and send nothing. Raises NotFound."""
    check(config, name)
    try:
        return Tested(name, True, try_to_connect(name, config.sinks[name], config.journal.path))
    except SinkFailed as error:
        return Tested(name, False, str(error))


def order(state: State, name: str, verb: Literal["pause", "resume"]) -> Ordered:
    """Place an order for a sink, durably. Raises StateUnavailable."""
    state.orders.place(name, verb)
    return Ordered(name, "paused" if verb == "pause" else state.statuses.read(name).state)


def check(config: Config, name: str) -> None:
    """Raise NotFound if there is no such sink."""
    if name not in config.sinks:
        raise NotFound(f"there is no sink {name!r}{suggest(name, config.sinks)}")


def kind(config: Config, name: str) -> str:
    """Return the kind of a sink, as written in its table."""
    return str(config.sinks[name].__struct_config__.tag)


def dry_runs(inspection: Inspection) -> list[str]:
    """Return the names of the sinks that do everything but send: only destinations have that key."""
    return [name for name, sink in inspection.config().sinks.items() if getattr(sink, "dry_run", False)]


def reports(config: Config, state: State, journal: Log) -> list[SinkReport]:
    """Return the status of each configured sink. Raises StateUnavailable and OSError."""
    now = time.time()
    with report.readers(journal) as readers:
        return [_report(config, name, state, readers, now) for name in config.sinks]


def _report(config: Config, name: str, state: State, readers: Mapping[str, Reader], now: float) -> SinkReport:
    found = report.report(name, kind(config, name), state, readers, now)
    if found.error:  # targets may repeat what they were sent
        found.error.message = masking.hide_text(found.error.message, masking.names(config.inspector.mask))
    return found


def targets(journal: Log, to: str) -> dict[str, int]:
    """
    Return the position that a target stands for in each partition concerned.

    The target is "now", a position, a time or an age. Raises InvalidQuery and OSError.
    """
    partition, slash, number = to.partition("/")
    with report.readers(journal) as readers:
        if slash and number.isascii() and number.isdecimal() and partition in readers:
            return {partition: min(int(number), readers[partition].newest())}
        if to == "now":
            return {name: reader.newest() for name, reader in readers.items()}
        try:
            found = moment("to", to)
        except InvalidQuery:
            found = None
        if found is None:
            raise InvalidQuery(f'to: expected "now", a position, a time or an age, got {to[:100]!r}')
        return {name: reader.seek(found / 1000) for name, reader in readers.items()}


def pending_before(state: State, name: str, positions: dict[str, int]) -> int:
    """Return the number of a sink's pending events before these positions. Raises StateUnavailable."""
    progress = state.progress(name)
    known = {partition: each.position.number for partition, each in progress.items()}
    return sum(max(0, position - known.get(partition, 0)) for partition, position in positions.items())


def place_skip(state: State, name: str, positions: dict[str, int], is_running: Callable[[], bool]) -> Skipped:
    """Order a sink to skip to these positions, and wait up to 10 s while the gateway is running."""
    events = pending_before(state, name, positions)
    before = _skipped(state, name)
    order = state.orders.place(name, "skip", json.dumps(positions))
    end = time.monotonic() + _SKIP_SECONDS
    while not (done := state.orders.is_done(order)) and time.monotonic() < end and is_running():
        time.sleep(_LOOK_SECONDS)
    if done:  # fewer than asked for if delivery was faster
        return Skipped(name, _skipped(state, name) - before, done=True)
    return Skipped(name, events, done=False)


@contextmanager
def writing(inspection: Inspection, name: str) -> Iterator[State]:
    """Lend the state for an order to a sink. Raises NotFound and StateUnavailable."""
    check(inspection.config(), name)
    with closing(State.open(inspection.state, inspection.home.journal)) as state:
        yield state


def _skipped(state: State, name: str) -> int:
    return report.total(state, name)["skipped", "operator"]
