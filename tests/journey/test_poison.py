"""Poison: exactly the events that a target refuses are buried, and they arrive once it is fixed."""

from collections.abc import Callable

import pytest

from gateway.delivery.guard import MAX_IN_A_ROW
from tests.gateway import Gateway, until
from tests.journey import hook
from tests.journey.hook import Hook
from tests.sinks.chaos import Target

EVENTS = 60


@pytest.mark.parametrize("keys", [{}, {"body": "event", "in_flight": 4}], ids=["batches", "events"])
def test_poison_first_in_the_middle_and_last_is_buried_and_arrives_once_retried(
    gateway: Callable[..., Gateway], keys: dict[str, object]
) -> None:
    poison = {0, EVENTS // 2, EVENTS - 1}
    webhook = Hook()

    with Target(webhook) as target:
        running = gateway(hook.config(target.url, **keys))
        hook.send(running, 0, EVENTS, poison.__contains__)
        hook.await_delivery(running)
        before = webhook.names
        account = hook.balance(running)
        again = hook.run(running, "dead", "retry", "hook", "--yes")
        webhook.fixed = True
        fixed = hook.run(running, "dead", "retry", "hook", "--yes")
        arrived = webhook.names
        retried = hook.balance(running)

    assert sorted(before) == sorted(f"e{n}" for n in range(EVENTS) if n not in poison)
    assert (account["dead"], account["delivered"]) == ({"refused": 3}, EVENTS - 3)
    assert (again.exit_code, fixed.exit_code) == (1, 0)
    assert sorted(arrived[len(before) :]) == sorted(f"e{n}" for n in poison)
    assert (retried["dead"], retried["delivered"]) == ({}, EVENTS)


def test_a_poisoned_day_is_held_and_goes_on_once_the_target_is_mended(
    gateway: Callable[..., Gateway],
) -> None:
    webhook = Hook()

    with Target(webhook) as target:
        running = gateway(hook.config(target.url))
        hook.send(running, 0, EVENTS, lambda number: True)
        until(lambda: hook.sink(running)["state"] == "misconfigured")
        held = hook.sink(running)
        others = running.delivered(EVENTS)
        running.kill()
        running.start()
        hook.send(running, EVENTS, EVENTS + 10)
        running.delivered(EVENTS + 10)
        still_held = hook.sink(running)
        webhook.fixed = True
        hook.run(running, "sinks", "resume", "hook", "--yes")
        hook.await_delivery(running)
        rest = webhook.names
        retried = hook.run(running, "dead", "retry", "hook", "--yes")
        account = hook.balance(running)

    assert (held["dead"], held["pending"]) == ({"refused": MAX_IN_A_ROW}, EVENTS - MAX_IN_A_ROW)
    assert (still_held["dead"], still_held["state"]) == (held["dead"], "misconfigured")
    assert "gateway sinks resume hook" in held["error"]["message"]
    assert len(others) == EVENTS
    assert rest == hook.names(MAX_IN_A_ROW, EVENTS + 10)
    assert retried.exit_code == 0
    assert sorted(webhook.names) == sorted(hook.names(0, EVENTS + 10))
    assert (account["delivered"], account["dead"], account["pending"]) == (EVENTS + 10, {}, 0)
