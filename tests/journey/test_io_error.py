"""I/O errors: unsynced events are not acknowledged, and everything else continues."""

import random
from collections.abc import Callable
from http import HTTPStatus

import pytest

from gateway.state.store import State
from tests.build import track
from tests.gateway import Gateway, until
from tests.journey.faults import Tampering
from tests.journey.load import NOTHING_WRONG, Load

# Files are finished at an eighth of the journal's size: each of the errors meets another part of the work.
CONFIG = """
[server]
port = 0
[inspector]
port = 0
[journal]
max_size = "4MB"
keep = "1s"
[sources.default]
write_keys = ["dev"]
[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
"""

ERRORS = 3


def failing(running: Gateway, process: str, call: str, when: str) -> Tampering:
    """Make a system call of a process fail with EIO, at the given calls, for the duration of the block."""
    injection = f"inject={call}:error=EIO:when={when}"
    notes = running.folder / "strace"
    return Tampering(running.children()[process], notes, "-e", f"trace={call}", "-e", injection)


def has_begun(running: Gateway) -> bool:
    """Return True once the sink has a position, but no event."""
    state = State.open_read_only(running.folder / "data/journal/state.db")
    try:
        return bool(state.positions())
    finally:
        state.close()


def test_unsynced_events_are_never_acknowledged(gateway: Callable[..., Gateway]) -> None:
    running = gateway(CONFIG)
    running.post("/v1/track", track(messageId="before"))

    with failing(running, "intake-0", "pwritev2", "1+"):
        answers = [running.post("/v1/track", track(messageId=f"failed-{number}")) for number in range(5)]
        ready = running.request("GET", "/readyz")

    assert [answer.status for answer in answers] == [HTTPStatus.SERVICE_UNAVAILABLE] * 5
    assert {answer.json["code"] for answer in answers} == {"journal_unavailable"}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert all("x-durability" not in answer.headers for answer in answers)
    assert ready.status == HTTPStatus.SERVICE_UNAVAILABLE


def test_the_gateway_recovers_by_itself_after_the_last_error(gateway: Callable[..., Gateway]) -> None:
    running = gateway(CONFIG)
    running.post("/v1/track", track(messageId="before"))
    pid = running.children()["intake-0"]

    with failing(running, "intake-0", "pwritev2", "1+"):
        running.post("/v1/track", track(messageId="failed"))
    answer = running.post("/v1/track", track(messageId="after"))

    # A failed commit may still be found: its events may or may not be stored.
    arrived = [event["messageId"] for event in running.drained()]
    assert answer.status == HTTPStatus.OK
    assert [name for name in arrived if name != "failed"] == ["before", "after"]
    assert running.children()["intake-0"] == pid


def test_an_error_at_the_start_does_not_repeat_the_first_events(
    gateway: Callable[..., Gateway],
) -> None:
    running = gateway(CONFIG)
    until(lambda: has_begun(running))

    with failing(running, "delivery-0", "fdatasync", "1") as tampering:
        running.post("/v1/track", track(messageId="first"))
        until(lambda: any("(INJECTED)" in line for line in tampering.calls()))

    assert [event["messageId"] for event in running.drained()] == ["first"]


@pytest.mark.parametrize(
    ("process", "call", "when"),
    [
        pytest.param("intake-0", "pwritev2", "2+7", id="as the journal is written and synced"),
        pytest.param("intake-0", "fsync", "1+2", id="as its next file or its folder is synced"),
        pytest.param("intake-0", "pwrite64", "2+7", id="as it is published how far it is durable"),
        pytest.param("delivery-0", "fsync", "1+3", id="as a sink's file is synced"),
        pytest.param("delivery-0", "fdatasync", "1+3", id="as the positions are synced"),
        pytest.param("delivery-0", "pwrite64", "2+7", id="as they are written"),
    ],
)
def test_occasional_errors_lose_and_repeat_nothing(
    gateway: Callable[..., Gateway], chance: random.Random, process: str, call: str, when: str
) -> None:
    running = gateway(CONFIG)
    running.post("/v1/track", track(messageId="before"))
    running.drained()

    with Load(running.port, chance) as load:
        load.advance(100)
        with failing(running, process, call, when) as tampering:
            until(lambda: sum("(INJECTED)" in line for line in tampering.calls()) >= ERRORS)
        load.advance(100)

    running.drained()
    assert running.stop() == 0
    before, *arrived = running.events()
    assert before["messageId"] == "before"
    assert load.compare(arrived) == NOTHING_WRONG
    assert load.unexpected == []
