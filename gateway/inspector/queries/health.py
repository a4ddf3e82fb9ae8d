"""Health: one answer to whether all is well."""

import msgspec

from gateway.inspector.queries.inspection import Inspection


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
    raise NotImplementedError
