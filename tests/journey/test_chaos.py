"""
A target that fails in all ways: the ledger balances, and every event is at the target or a dead letter.

`--rounds 500` sends 50,000 events. `share` is that of the requests that may fail.
"""

from collections.abc import Callable
from random import Random

import pytest

from tests.gateway import Gateway
from tests.journey import hook
from tests.journey.hook import Hook
from tests.sinks import chaos
from tests.sinks.chaos import Target

ROUNDS = 20
EVENTS = 100
"""A round."""
POISON = 8
"""Fewer than a target may refuse within a minute before its sink is held."""


@pytest.mark.parametrize(
    ("share", "keys"),
    [
        pytest.param(0.1, {"batch_events": 100}, id="batches"),
        pytest.param(0.01, {"body": "event", "in_flight": 8}, id="events"),
    ],
)
def test_every_event_is_at_the_target_once_or_a_dead_letter_with_its_words(
    gateway: Callable[..., Gateway], rounds: int | None, chance: Random, share: float, keys: dict[str, object]
) -> None:
    events = (rounds or ROUNDS) * EVENTS
    poison = set(chance.sample(range(events), POISON))
    webhook = Hook(lambda: chance.choice(chaos.MIX) if chance.random() < share else chaos.ACCEPT)

    with Target(webhook) as target:
        running = gateway(hook.config(target.url, timeout="0.3s", **keys))
        hook.send(running, 0, events, poison.__contains__)
        hook.await_delivery(running)
        letters = hook.objects(running, "dead", "list")
        account = hook.balance(running)

    assert sorted(webhook.names) == sorted(f"e{n}" for n in range(events) if n not in poison)
    assert hook.is_in_order(webhook.events)
    assert sorted(letter["message_id"] for letter in letters) == sorted(f"e{n}" for n in poison)
    assert [each for each in letters if each["answer"] != f"it is poison: ['{each['message_id']}']"] == []
    assert (account["delivered"], account["dead"], account["pending"]) == (
        events - POISON,
        {"refused": POISON},
        0,
    )
