"""The index of a running gateway: built beside it, and gone on with after every kill."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from gateway.inspector.queries.events import events
from gateway.inspector.queries.filters import Filter
from gateway.inspector.search.index import Index
from gateway.inspector.search.upkeep import UNINDEXED_EVENTS
from tests.build import open_log
from tests.gateway import Gateway, alive, until
from tests.inspector.inspecting import inspection

BATCH = 500


def post(gateway: Gateway, start: int, count: int) -> None:
    for first in range(start, start + count, BATCH):
        batch = [
            {"type": "track", "userId": f"u{n}", "event": "Ordered", "messageId": f"id-{n}"}
            for n in range(first, first + BATCH)
        ]
        assert gateway.post("/v1/batch", {"batch": batch}).status == 200


def indexed(folder: Path) -> int:
    """Return the number of events that are indexed."""
    runs = Index(folder / "search").runs("0", open_log(folder).reader("0"))
    return runs[-1].end.number if runs else 0


def builders(gateway: Gateway) -> list[int]:
    """Return the processes that build the index."""
    inspector = gateway.children().get("inspector")
    try:
        children = Path(f"/proc/{inspector}/task/{inspector}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [int(child) for child in children]


def test_it_is_built_beside_the_gateway_and_goes_on_after_a_kill(
    gateway: Callable[..., Gateway], tmp_path: Path
) -> None:
    running = gateway()
    journal = tmp_path / "data/journal"
    post(running, 0, UNINDEXED_EVENTS)
    until(lambda: indexed(journal) and builders(running))

    [first] = builders(running)
    priority = os.getpriority(os.PRIO_PROCESS, first)
    os.kill(running.children()["inspector"], signal.SIGKILL)
    until(lambda: not alive(first))
    post(running, UNINDEXED_EVENTS, UNINDEXED_EVENTS)
    until(lambda: indexed(journal) >= 2 * UNINDEXED_EVENTS - 1000)
    [second] = builders(running)
    running.stop()

    found = events(inspection(journal), Filter(user="u15000"))
    assert priority == 19
    assert not alive(second)
    assert [row.message_id for row in found.items] == ["id-15000"]
    assert "search index" not in running.logged()
