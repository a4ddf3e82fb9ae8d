"""
A sink that is down, stuck, slow, failing or held costs the sink beside it nothing.

Both are in one process. The lag of the good sink is printed, with the bad one and without: `-s --rounds 500`.
"""

import time
from collections.abc import Callable
from statistics import median

import pytest

from tests.gateway import Gateway, until
from tests.journey import hook
from tests.journey.hook import Hook
from tests.sinks import chaos
from tests.sinks.chaos import Behaviour, Target

ROUNDS = 10
EVENTS = 30
"""A round; more than a target may refuse in a row."""


def lags(running: Gateway, first: int, rounds: int) -> list[float]:
    """Send events from a number on, and return for each round the seconds until the good sink has them."""
    found = []
    for start in range(first, first + rounds * EVENTS, EVENTS):
        hook.send(running, start, start + EVENTS, lambda number: True)
        sent = time.monotonic()
        running.delivered(start + EVENTS)
        found.append(time.monotonic() - sent)
    return found


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [
        pytest.param(chaos.hang_up, "retrying", id="down"),
        pytest.param(chaos.never_answer, "up", id="stuck"),
        pytest.param(chaos.answer(503, b"", Retry_After="3600"), "retrying", id="failing"),
        pytest.param(chaos.answer(401), "misconfigured", id="misconfigured"),
        pytest.param(None, "misconfigured", id="held"),
    ],
)
def test_a_bad_sink_leaves_the_sink_beside_it_alone(
    gateway: Callable[..., Gateway], rounds: int | None, behaviour: Behaviour | None, state: str
) -> None:
    rounds = rounds or ROUNDS
    webhook = Hook(lambda: behaviour or chaos.ACCEPT)
    webhook.fixed = behaviour is not None

    with Target(webhook) as target:
        running = gateway(hook.config(target.url, timeout="10m"))
        hook.run(running, "sinks", "pause", "hook", "--yes")
        alone = lags(running, 0, rounds)
        hook.run(running, "sinks", "resume", "hook", "--yes")
        beside = lags(running, rounds * EVENTS, rounds)
        until(lambda: hook.sink(running)["state"] == state)
        good, bad = hook.sink(running, "events"), hook.sink(running)
        account = hook.balance(running, "events")

    print(f"median lag: {median(alone) * 1000:.1f} ms alone, {median(beside) * 1000:.1f} ms beside it")
    assert [event["messageId"] for event in running.events()] == hook.names(0, 2 * rounds * EVENTS)
    assert (good["state"], good["retries"], account["delivered"]) == ("up", 0, 2 * rounds * EVENTS)
    assert bad["state"] == state
    assert bad["delivered"] == 0
