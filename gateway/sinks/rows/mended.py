"""Rows of all events of a batch, for targets that can hold U+0000 and JSON with halves of surrogate pairs."""

from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.errors import Culprit
from gateway.sinks.base import Batch
from gateway.sinks.rows.envelope import Rows
from gateway.sinks.rows.escapes import replace_unstorable


def read_mended(rows: Rows, batch: Batch) -> Iterator[tuple[Any, ...] | Culprit]:
    """
    Yield a row for each event of a batch, as Rows.read_all does.

    Only an event that cannot be read as it is, since half of a surrogate pair is no text, is changed: it is
    read again with U+FFFD in its place.
    """
    lines: list[bytes] = []
    for index, row in enumerate(rows.read_all(batch)):
        if isinstance(row, Culprit):
            lines = lines or batch.lines
            [row] = rows.read_all(
                msgspec.structs.replace(
                    batch,
                    positions=[batch.positions[index]],
                    data=replace_unstorable(lines[index]) + b"\n",
                )
            )
        yield row
