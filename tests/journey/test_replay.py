"""
A replay beside live traffic, resumed after kills: its count is exact, and PostgreSQL has no second row.

`--rounds 10000 -s` replays a million events.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tests.gateway import Gateway, until
from tests.journey import faults, hook
from tests.sinks.postgres_tables import run, sink_in

ROUNDS = 20
EVENTS = 100
"""A round."""
KILLS = (0.0, 0.25)
"""The shares of a replay after which delivery is killed."""


class Live(threading.Thread):
    """Sends events, one batch after the other, until it is told to stop; `lags` are in seconds."""

    def __init__(self, running: Gateway, first: int, arrived: Callable[[], int]) -> None:
        super().__init__()
        self.lags: list[float] = []
        self.next = first
        self._running = running
        self._arrived = arrived
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            hook.send(self._running, self.next, self.next + 10)
            self.next += 10
            sent = time.monotonic()
            until(lambda: self._arrived() >= self.next)
            self.lags.append(time.monotonic() - sent)

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def test_a_replay_beside_live_traffic_is_resumed_after_kills_and_repeats_no_row(
    gateway: Callable[..., Gateway], rounds: int | None, tmp_path: Path
) -> None:
    events = (rounds or ROUNDS) * EVENTS
    table = sink_in(tmp_path)
    running = gateway(
        hook.config("http://127.0.0.1:9").partition("[sinks.hook]")[0]
        + f'[sinks.rows]\nkind = "postgres"\ndsn = "{table.dsn.reveal()}"\ntable = "{table.table}"\n'
    )

    def rows() -> int:
        count: int = run(f"SELECT count(*) AS rows FROM {table.table}")[0]["rows"]
        return count

    def replay() -> dict[str, Any]:
        [found] = hook.objects(running, "replay", "list")
        return found

    hook.send(running, 0, events)
    hook.await_delivery(running, "rows")
    alone = Live(running, events, rows)
    alone.start()
    until(lambda: len(alone.lags) >= 10)
    alone.stop()
    hook.await_delivery(running, "rows")  # rows are there before their position is recorded
    started = hook.run(running, "replay", "rows", "--rate", str(events // 4), "--detach", "--yes")
    beside = Live(running, alone.next, rows)
    beside.start()
    for share in KILLS:
        until(lambda: replay()["sent"] > share * events)  # noqa: B023  # called before the next round
        faults.kill(running, "delivery-0")
    while (before := replay())["state"] == "running":
        until(lambda: replay() != before)
    beside.stop()
    hook.await_delivery(running, "rows")
    job, account = replay(), hook.balance(running, "rows")

    print(
        f"median lag: {median(alone.lags) * 1000:.0f} ms alone, {median(beside.lags) * 1000:.0f} ms beside it"
    )
    assert started.exit_code == 0, started.output
    assert (job["state"], job["events"], job["sent"]) == ("done", alone.next, alone.next)
    assert account["delivered"] == beside.next
    assert rows() == beside.next
    assert run(f"SELECT count(DISTINCT id) AS ids FROM {table.table}")[0]["ids"] == beside.next
    assert hook.sink(running, "rows")["replayed"] == alone.next
