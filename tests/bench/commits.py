"""How many events share a commit."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.table import Row
from tests.gateway import Gateway

_COUNTED = 1.5  # seconds after which an intake's counts can be read
_NAME = "gateway_journal_commit_events"


@contextmanager
def counted(gateway: Gateway) -> Iterator[list[Row]]:
    """Fill a list with one row: events a commit, on the average, in what happens meanwhile."""
    found: list[Row] = []
    before = gateway.metrics()
    yield found
    time.sleep(_COUNTED)
    after = gateway.metrics()
    commits, events = (
        after[f"{_NAME}_{each}"] - before.get(f"{_NAME}_{each}", 0) for each in ("count", "sum")
    )
    found.append(Row("  events a commit", wall=f"{events / max(1, commits):,.1f}"))
