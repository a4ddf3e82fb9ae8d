"""Health: a single answer to whether all is well."""

from contextlib import closing

import msgspec

from gateway.errors import StateUnavailable
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.queries.sinks import reports
from gateway.journal.base import Log
from gateway.journal.segments.log import SegmentLog
from gateway.journal.segments.quota import Quota
from gateway.state.store import State

# At twice this space the embedded journal deletes delivered events early (journal/segments/quota.py): with
# less than this, there are too many events that sinks do not have yet.
_LITTLE_BYTES = 256 * 1024**2
_LITTLE_SHARE = 16


class Problem(msgspec.Struct, frozen=True):
    """Something that an operator should look at."""

    subject: str
    """`intake`, `journal`, `state`, or `sink NAME`."""
    message: str


class Health(msgspec.Struct, frozen=True):
    """Whether all is well; paused sinks count as well."""

    status: str
    """`ok` or `degraded`."""
    problems: list[Problem]


def health(inspection: Inspection) -> Health:
    """Return what is wrong, if anything. Raises nothing: what cannot be read is a problem."""
    problems = _problems(inspection)
    return Health("degraded" if problems else "ok", problems)


def _problems(inspection: Inspection) -> list[Problem]:
    problems = []
    if reason := inspection.unready():
        problems.append(Problem("intake", f"events cannot be stored: {reason}"))
    try:
        most = inspection.config().journal.max_size
        if _room(inspection.journal, most) < min(_LITTLE_BYTES, most // _LITTLE_SHARE):
            problems.append(
                Problem("journal", "almost full: raise max_size, or see why sinks do not deliver")
            )
        with closing(State.open_read_only(inspection.state)) as state:
            found = reports(inspection.config(), state, inspection.journal)
    except StateUnavailable as error:
        return [*problems, Problem("state", str(error))]
    except OSError as error:
        return [*problems, Problem("journal", str(error))]
    return problems + [
        Problem(f"sink {each.name}", f"{each.state}: {each.error.message if each.error else ''}")
        for each in found
        if each.state in ("retrying", "misconfigured")
    ]


def _room(journal: Log, most: int) -> int:
    """Return the bytes that the journal may still use. Raises OSError."""
    if isinstance(journal, SegmentLog):
        return Quota(journal.folder, most).available()
    return most - journal.size()
