"""
A target that is down while events go on: the backlog waits on disk, and drains in order once it is back.

`pytest tests/journey/test_outage.py -s --rounds 600` sends 2,000 events/s for 10 minutes, to a target that is
down for all but the first of them, and prints the memory of delivery and the speed at which the rest drains.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path

from tests.gateway import Gateway, free_ports, until
from tests.journey import hook
from tests.journey.hook import Hook
from tests.sinks.chaos import Target

ROUNDS = 4
EVENTS = 2000
"""A round, which lasts a second."""
EVENT_BYTES = 4000
MAX_GROWTH_KB = 32 * 1024
"""What the memory of delivery may grow by through an outage; less than what waits on disk."""
INDEX_BYTES = 38
"""An event in the index of duplicates, of which a bounded part is in memory: 26 MB of 1,080,000 events."""


def memory(running: Gateway, field: str = "VmRSS") -> int:
    """Return the memory of delivery, in KB."""
    status = Path(f"/proc/{running.children()['delivery-0']}/status").read_text()
    found = re.search(rf"{field}:\s+(\d+) kB", status)
    assert found
    return int(found[1])


def send_round(running: Gateway, number: int) -> None:
    """Send a second's worth of events, in a second if that is possible."""
    end = time.monotonic() + 1
    hook.send(running, number * EVENTS, (number + 1) * EVENTS, padding=EVENT_BYTES)
    time.sleep(max(0.0, end - time.monotonic()))


def test_a_backlog_drains_in_order_and_takes_no_memory(
    gateway: Callable[..., Gateway], rounds: int | None
) -> None:
    rounds = rounds or ROUNDS
    before = max(1, rounds // 10)
    webhook = Hook()
    port, _ = free_ports()
    running = gateway(hook.config(f"http://127.0.0.1:{port}"))

    with Target(webhook, port=port):
        for number in range(before):
            send_round(running, number)
        hook.await_delivery(running)
    up = memory(running)
    for number in range(before, rounds):
        send_round(running, number)
    until(lambda: hook.sink(running)["state"] == "retrying")
    down, good = memory(running), hook.sink(running, "events")
    waiting = hook.sink(running)["pending"]
    with Target(webhook, port=port):
        hook.run(running, "sinks", "resume", "hook", "--yes")
        back = time.monotonic()
        hook.await_delivery(running)
        speed = waiting / (time.monotonic() - back)
    most = memory(running, "VmHWM")

    print(f"delivery: {up:,} KB before, {down:,} KB during, {most:,} KB at most; {waiting:,} events drained")
    print(f"at {speed:,.0f} events/s")
    assert waiting == (rounds - before) * EVENTS
    assert webhook.names.count("e0") == 1
    assert sorted(webhook.names) == sorted(hook.names(0, rounds * EVENTS))
    assert hook.is_in_order(webhook.events)
    assert (good["state"], good["retries"]) == ("up", 0)
    assert most - up < MAX_GROWTH_KB + waiting * INDEX_BYTES // 1024
    assert hook.balance(running)["delivered"] == rounds * EVENTS
