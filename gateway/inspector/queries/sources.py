"""Sources: what each has sent, by event name and code, and when it was first and last seen."""

import time
from contextlib import suppress
from typing import Any

import msgspec

from gateway.diagnostics.shapes import DAY_MS, REFUSED, SOURCES
from gateway.diagnostics.store import fetch
from gateway.inspector.queries.errors import NotFound
from gateway.inspector.queries.inspection import Inspection
from gateway.raw import timestamps

_read_warnings = msgspec.json.Decoder(dict[str, int]).decode


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A source's events with one name."""

    type: str
    event: str
    """ "" for types without a name; if the type is "" too, all names beyond the limit, together."""
    events: int
    """Events accepted since the gateway began to count them."""
    warnings: dict[str, int]
    """Events by the code of what was repaired or assumed."""
    first_seen: str
    """ISO-8601 UTC."""
    last_seen: str
    is_new: bool
    """True if the name was first seen in the last 24 hours, and the source earlier."""


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A source that is configured or was seen once."""

    name: str
    enabled: bool
    configured: bool
    events: int
    refused: dict[str, int]
    """Refused events of the last 7 days by code, if their source is known."""
    first_seen: str | None
    last_seen: str | None
    names: int
    """Number of event names, or of types without a name."""
    counted_to: str | None
    """Events from this time on are not counted yet; "" if none are counted, None if all are."""


def sources(inspection: Inspection) -> list[SourceRow]:
    """Return all sources by name. Raises StateUnavailable and OSError."""
    rows = fetch(
        inspection.home.diagnostics,
        SOURCES,
        "SELECT source, sum(events), min(first_seen), max(last_seen), count(*) FROM names GROUP BY source",
    )
    seen = {row[0]: row[1:] for row in rows}
    refused: dict[str, dict[str, int]] = {}
    for name, code, events in fetch(
        inspection.home.diagnostics,
        REFUSED,
        "SELECT source, code, sum(events) FROM counts WHERE source <> '' GROUP BY source, code"
        " ORDER BY sum(events) DESC",
    ):
        refused.setdefault(name, {})[code] = events
    configured = inspection.config().sources
    counted_to = _counted_to(inspection)
    found = []
    for name in sorted({*configured, *seen}):
        events, first_seen, last_seen, names = seen.get(name, (0, None, None, 0))
        source = configured.get(name)
        found.append(
            SourceRow(
                name=name,
                enabled=source is not None and source.enabled,
                configured=source is not None,
                events=events,
                refused=refused.get(name, {}),
                first_seen=None if first_seen is None else timestamps.write(first_seen),
                last_seen=None if last_seen is None else timestamps.write(last_seen),
                names=names,
                counted_to=counted_to,
            )
        )
    return found


def source(inspection: Inspection, name: str) -> tuple[SourceRow, list[Sent]]:
    """
    Return a source and what it has sent, the most frequent first.

    Raises NotFound, StateUnavailable and OSError.
    """
    row = next((each for each in sources(inspection) if each.name == name), None)
    if row is None:
        raise NotFound(f"there is no source {name[:100]!r}")
    rows = fetch(
        inspection.home.diagnostics,
        SOURCES,
        "SELECT type, event, events, warnings, first_seen, last_seen FROM names WHERE source = ?"
        " ORDER BY events DESC, type, event",
        (name,),
    )
    yesterday = time.time_ns() // 1_000_000 - DAY_MS
    is_old = any(first_seen < yesterday for *_, first_seen, _ in rows)
    return row, [_sent(each, yesterday if is_old else None) for each in rows]


def _sent(row: Any, yesterday: int | None) -> Sent:
    type, event, events, warnings, first_seen, last_seen = row
    return Sent(
        type=type,
        event=event,
        events=events,
        warnings=_read_warnings(warnings),
        first_seen=timestamps.write(first_seen),
        last_seen=timestamps.write(last_seen),
        is_new=yesterday is not None and first_seen >= yesterday,
    )


def _counted_to(inspection: Inspection) -> str | None:
    """Return the time up to which events have been counted, if any; None if there are none to count."""
    rows = fetch(inspection.home.diagnostics, SOURCES, "SELECT partition, number, at FROM positions")
    counted = {partition: (number, at) for partition, number, at in rows}
    behind = []
    for partition in inspection.journal.partitions():
        reader = inspection.journal.reader(partition)
        try:
            number, at = counted.get(partition, (0, 0))
            if number < reader.newest():
                behind.append(at)
        finally:
            with suppress(OSError):
                reader.close()
    if not behind:
        return None
    return timestamps.write(min(behind)) if min(behind) else ""
