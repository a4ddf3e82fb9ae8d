"""
The counts of received, accepted and refused events are true at any moment, also after kills.

To see it go red, run it against a copy of the package whose metrics.py writes `Exact` counters in `flush`.
"""

import random
import threading
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.build import track
from tests.gateway import Gateway, until
from tests.journey import faults
from tests.journey.load import Load
from tests.journey.test_kill import config


class Counts(NamedTuple):
    received: float
    accepted: float
    refused: float
    in_flight: float
    journal: float

    @classmethod
    def of(cls, running: Gateway) -> "Counts":
        samples = running.metrics()
        return cls(
            samples["gateway_events_received_total"],
            samples["gateway_events_accepted_total"],
            sum(n for name, n in samples.items() if name.startswith("gateway_events_refused_total{")),
            samples["gateway_events_in_flight"],
            samples["gateway_journal_events_total"],
        )


class Refused:
    """Sends events that are refused, and remembers how many were answered."""

    def __init__(self, running: Gateway) -> None:
        self._running = running
        self.sent = self.answered = 0

    def send(self, events: int) -> None:
        self.sent += events
        try:
            answer = self._running.post("/v1/batch", [1] * events)
        except (OSError, HTTPException):
            return
        assert answer.status == 400
        self.answered += events


def kill_anywhere(running: Gateway, notes: Path) -> None:
    faults.kill(running, "intake-0")


def kill_within_a_commit(running: Gateway, notes: Path) -> None:
    pid = running.children()["intake-0"]
    faults.kill_at(pid, "pwritev2", 2, notes)
    faults.await_successor(running, "intake-0", pid)


@pytest.mark.parametrize("kill", [kill_anywhere, kill_within_a_commit])
def test_a_kill_leaves_no_event_uncounted_that_was_answered(
    gateway: Callable[..., Gateway],
    rounds: int | None,
    chance: random.Random,
    tmp_path: Path,
    kill: Callable[[Gateway, Path], None],
) -> None:
    running = gateway(config(workers=1))
    refused = Refused(running)

    with Load(running.port, chance) as load:
        for _ in range(rounds or 2):
            load.advance(chance.randrange(20, 200))
            refused.send(7)
            kill(running, tmp_path / "strace")
            refused.send(5)
        load.advance(50)
    found = Counts.of(running)

    print(found)
    sent = sum(len(client.sent) for client in load.clients)
    assert load.acknowledged <= found.accepted
    assert refused.answered <= found.refused
    assert found.accepted + found.refused <= found.received <= sent + refused.sent
    assert found.accepted <= found.journal <= found.received - found.refused


def test_events_are_in_flight_while_their_commit_lasts(
    gateway: Callable[..., Gateway], tmp_path: Path
) -> None:
    running = gateway()
    running.post("/v1/batch", [track(), 1])
    before = Counts.of(running)
    sender = threading.Thread(target=running.post, args=("/v1/batch", [*[track()] * 10, 1]))
    seen: list[Counts] = []

    def is_in_flight() -> bool:
        seen.append(Counts.of(running))
        return seen[-1].in_flight == 10

    slow = ("-e", "trace=pwritev2", "-e", "inject=pwritev2:delay_enter=5000000")
    with faults.Tampering(running.children()["intake-0"], tmp_path / "strace", *slow):
        sender.start()
        until(is_in_flight)
        sender.join()
    until(lambda: Counts.of(running).in_flight == 0)

    during, after = seen[-1], Counts.of(running)
    assert (during.received, during.accepted, during.refused) == (before.received + 11, before.accepted, 2)
    assert during.received == during.accepted + during.refused + during.in_flight
    assert after == (before.received + 11, before.accepted + 10, 2, 0, before.journal + 10)
