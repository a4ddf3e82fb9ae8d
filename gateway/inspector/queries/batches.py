"""The last two million or so batches that sinks have written: which events, and when."""

from gateway.diagnostics.shapes import BATCHES
from gateway.diagnostics.store import fetch
from gateway.inspector.queries.inspection import Inspection
from gateway.raw import timestamps

_NEAREST = 50
"""The batches with an event are among the first that end after it."""


def of_event(inspection: Inspection, sink: str, partition: str, position: int) -> tuple[str, str] | None:
    """
    Return when a sink got an event, ISO-8601 UTC, and the id of the batch, or None if that is not kept.

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
    _, at, batch = max(holding)  # the last one: a dead letter may have been sent again
    return timestamps.write(at), batch
