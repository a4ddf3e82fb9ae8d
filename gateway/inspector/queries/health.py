"""Health: one answer to whether all is well."""

from contextlib import closing

import msgspec

from gateway.errors import StateUnavailable
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.queries.sinks import reports
from gateway.state.store import State


class Problem(msgspec.Struct, frozen=True):
    """Something that an operator should look at."""

    subject: str
    """`journal`, `state`, or `sink NAME`."""
    message: str


class Health(msgspec.Struct, frozen=True):
    """Whether all is well; paused sinks are."""

    status: str
    """`ok` or `degraded`."""
    problems: list[Problem]


def health(inspection: Inspection) -> Health:
    """Return what is wrong, if anything. Raises nothing: what cannot be read is a problem."""
    problems = _problems(inspection)
    return Health("degraded" if problems else "ok", problems)


def _problems(inspection: Inspection) -> list[Problem]:
    try:
        with closing(State.open_read_only(inspection.state)) as state:
            found = reports(inspection.config(), state, inspection.journal)
    except StateUnavailable as error:
        return [Problem("state", str(error))]
    except OSError as error:
        return [Problem("journal", str(error))]
    return [
        Problem(f"sink {each.name}", f"{each.state}: {each.error.message if each.error else ''}")
        for each in found
        if each.state in ("retrying", "misconfigured")
    ]
