"""Sinks: how they fare, and orders to pause, resume, skip and test them."""

import msgspec

from gateway.inspector.queries.inspection import Inspection
from gateway.state.report import SinkReport


class Ordered(msgspec.Struct, frozen=True):
    """An order that was placed; it takes effect within a second."""

    name: str
    state: str
    """That of the sink from now on: paused, or what it was before it was paused."""


class Skipped(msgspec.Struct, frozen=True):
    """What an order to skip comes to."""

    name: str
    events: int
    """Pending events before the target; once done, those that were skipped."""
    done: bool
    """False if the order waits until the gateway runs and the sink can be stopped."""


class Tested(msgspec.Struct, frozen=True):
    """A sink that can be used."""

    name: str
    result: str
    """`ok`, or `in use by the running gateway`."""


def sinks(inspection: Inspection) -> list[SinkReport]:
    """Return how each configured sink fares. Raises StateUnavailable and OSError."""
    raise NotImplementedError


def sink(inspection: Inspection, name: str) -> SinkReport:
    """Return how one sink fares. Raises NotFound, StateUnavailable and OSError."""
    raise NotImplementedError


def pause(inspection: Inspection, name: str) -> Ordered:
    """Pause delivery to a sink, durably. Raises NotFound and StateUnavailable."""
    raise NotImplementedError


def resume(inspection: Inspection, name: str) -> Ordered:
    """Resume delivery to a sink, which is tried at once. Raises NotFound and StateUnavailable."""
    raise NotImplementedError


def skip(inspection: Inspection, name: str, to: str = "now", *, dry_run: bool = False) -> Skipped:
    """
    Pass the pending events of a sink before `to`: "now", a position such as 0/12, a time, or an age.

    Waits up to 10 s for delivery to do it. Raises NotFound, InvalidQuery, StateUnavailable and OSError.
    """
    raise NotImplementedError


def test(inspection: Inspection, name: str) -> Tested:
    """Connect to a sink as delivery does, and send nothing. Raises NotFound and Unusable, within 10 s."""
    raise NotImplementedError
