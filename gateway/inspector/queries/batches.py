"""The batches that sinks have written: when each had an event, for the last two million of them or so."""

from gateway.diagnostics.shapes import BATCHES
from gateway.diagnostics.store import fetch
from gateway.inspector.queries.inspection import Inspection
from gateway.raw import timestamps

_NEAREST = 50
"""Those that hold an event are among the first that end behind it."""


def of_event(inspection: Inspection, sink: str, partition: str, position: int) -> tuple[str, str] | None:
    """
    Return when a sink had an event, ISO-8601 UTC, and the id of the batch, or None if that is not kept.

    The id is "" if the sink had more than 100 batches within that second. Raises StateUnavailable.
    """
    rows = fetch(
        inspection.home.diagnostics,
        BATCHES,
        "SELECT first, id, at, batch FROM batches WHERE sink = ? AND partition = ? AND last > ?"
        " ORDER BY last LIMIT ?",
        (sink, partition, position, _NEAREST),
    )
    holding = [row[1:] for row in rows if row[0] <= position]
    if not holding:
        return None
    _, at, batch = max(holding)  # the last: a dead letter was sent again
    return timestamps.write(at), batch
