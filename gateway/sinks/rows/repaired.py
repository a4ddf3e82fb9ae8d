"""Rows of all events of a batch, even those with halves of surrogate pairs, which no text can contain."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeVar

from gateway.errors import Culprit, SinkRefused
from gateway.raw.values import UNDECODABLE
from gateway.sinks.base import Batch
from gateway.sinks.rows.envelope import Rows
from gateway.sinks.rows.escapes import replace_unstorable

_Part = TypeVar("_Part")

_ROWS_AT_A_TIME = 2000
"""Rows that are converted together: with more, Python's garbage collector has more to scan."""


def read_repaired(rows: Rows, line: bytes, position: str) -> tuple[Any, ...]:
    """
    Return the row of an event. Raises one of raw.values.UNDECODABLE if the line is not an event.

    Only an event that cannot be read as it is is changed: it is read again with U+FFFD in place of halves of
    surrogate pairs and of U+0000.
    """
    try:
        return rows.read(line, position)
    except UNDECODABLE:
        return rows.read(replace_unstorable(line), position)


def read_all(rows: Rows, batch: Batch) -> Iterator[tuple[Any, ...] | Culprit]:
    """Yield a row for each event of a batch; a Culprit in place of a line that is not an event."""
    for number, line in zip(batch.positions, batch.lines, strict=True):
        try:
            yield read_repaired(rows, line, f"{batch.partition}/{number}")
        except UNDECODABLE as error:
            yield Culprit(f"not a canonical event: {error}", "invalid_event")


def convert_all(
    rows: Rows, batch: Batch, convert: Callable[[list[tuple[Any, ...]]], _Part], first: int = 0
) -> list[_Part]:
    """
    Return the events of a batch from an index on, in parts of a few thousand rows, as `convert` returns them.

    Raises SinkRefused if lines are not events.
    """
    culprits: dict[int, Culprit] = {}
    parts: list[_Part] = []
    reading = islice(enumerate(read_all(rows, batch)), first, None)
    while some := list(islice(reading, _ROWS_AT_A_TIME)):
        culprits |= {index: row for index, row in some if isinstance(row, Culprit)}
        if not culprits:
            parts.append(convert([row for _, row in some if not isinstance(row, Culprit)]))
    if culprits:
        raise SinkRefused("some lines are not events", culprits, delivered=range(first))
    return parts
