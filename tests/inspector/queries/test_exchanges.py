"""The requests to targets and their answers, as the inspector shows them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.delivery.recorder import DeliveryRecorder
from gateway.inspector.queries.errors import NotFound
from gateway.inspector.queries.exchanges import ExchangeRow, exchange, exchanges, of_event, unkept
from gateway.inspector.queries.filters import Filter
from gateway.sinks.base import Sink
from gateway.sinks.http import Http
from tests.build import event_line, event_lines, keep
from tests.delivery.work import deliver, make, open_state
from tests.inspector.keeping import inspect
from tests.sinks import chaos
from tests.sinks.chaos import Behaviour, Request, Target

pytestmark = pytest.mark.anyio

SECRET = "a-secret-of-the-target"


def to(target: Target, **keys: Any) -> Http:
    return Http(url=Secret(f"{target.url}?token={SECRET}"), allow_private=True, **keys)


class Sending:
    """A journal whose events go to a target, and the recorder of its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = open_state(folder)
        self.recorder = DeliveryRecorder(folder / "diagnostics")

    async def send(self, sink: Sink, attempts: int = 1) -> None:
        for _ in range(attempts):
            await deliver(make(sink, self.folder, self.state, observer=self.recorder.observer("sink")))
        self.recorder.write()

    def rows(self, **filter: Any) -> list[ExchangeRow]:
        return exchanges(inspect(self.folder), "sink", Filter(**filter)).items


@pytest.fixture
def sending(tmp_path: Path) -> Sending:
    return Sending(tmp_path)


def refuse(*ids: str, status: int = 400) -> Callable[[Request], Behaviour]:
    """Refuse requests in which one of these events is."""
    return lambda request: (
        chaos.answer(status, b"it is poison")
        if any(f'"{id}"'.encode() in request.body for id in ids)
        else chaos.ACCEPT
    )


async def test_a_request_is_shown_with_its_answer(sending: Sending) -> None:
    keep(sending.folder / "0", event_lines(0, 2))

    with Target(lambda _: chaos.answer(201, b'{"id": 7}', X_Request_Id="r1")) as target:
        await sending.send(to(target, headers={"X-Team": Secret("growth")}))

    [row] = sending.rows()
    assert (row.method, row.status, row.error, row.origin) == ("POST", 201, "", "live")
    assert (row.batch, row.partition, row.first, row.end, row.events) == ("sink/0/0-2", "0", 0, 2, 2)
    assert len(json.loads(row.request_body)["batch"]) == 2
    assert row.request_headers["x-team"] == "growth"
    assert (row.answer_body, row.answer_headers["x-request-id"]) == ('{"id": 7}', "r1")
    assert not row.dead
    assert exchange(inspect(sending.folder), row.id) == row


async def test_no_secret_is_shown_wherever_it_stands(sending: Sending) -> None:
    leak = f"you sent {SECRET}".encode()
    keep(sending.folder / "0", [event_line(0, properties={"said": SECRET})])

    with Target(lambda _: chaos.answer(200, leak, X_Said=SECRET)) as target:
        await sending.send(to(target, headers={"Authorization": Secret(f"Bearer {SECRET}")}))

    [row] = sending.rows()
    assert SECRET not in f"{row}"
    assert row.request_headers["authorization"] == "***"


async def test_masked_values_are_hidden(sending: Sending) -> None:
    keep(sending.folder / "0", [event_line(0, traits={"email": "jo@example.com"})])

    with Target(lambda _: chaos.answer(200, b'{"email":"jo@example.com"}')) as target:
        await sending.send(to(target))

    [row] = exchanges(inspect(sending.folder, mask=("email",)), "sink", Filter()).items
    assert "jo@example.com" not in f"{row}"


async def test_a_request_without_an_answer_says_why(sending: Sending) -> None:
    keep(sending.folder / "0", event_lines(0, 1))

    with Target(lambda _: chaos.hang_up) as target:
        await sending.send(to(target))

    [row] = sending.rows()
    assert row.status is None
    assert row.error.endswith("closed the connection without an answer")


async def test_bodies_are_cut_and_shown_inflated(sending: Sending) -> None:
    keep(sending.folder / "0", [event_line(0, properties={"x": "y" * 30_000})])

    with Target(lambda _: chaos.answer(200, b"z" * 10_000)) as target:
        await sending.send(to(target, compress="gzip"))

    [row] = sending.rows()
    assert row.request_body.startswith('{"batch":[')
    assert len(row.request_body) == 16 * 1024
    assert row.request_bytes < 10_000
    assert len(row.answer_body) == 4096


async def test_the_exchange_of_a_dead_letter_is_found_by_its_event(sending: Sending) -> None:
    keep(sending.folder / "0", event_lines(0, 4))

    with Target(refuse("m2")) as target:
        await sending.send(to(target, body="event"))

    inspection = inspect(sending.folder)
    [row] = of_event(inspection, "sink", "0", 2)
    assert (row.dead, row.status, row.answer_body) == (True, 400, "it is poison")
    assert json.loads(row.request_body)["messageId"] == "m2"
    assert [each.dead for each in of_event(inspection, "sink", "0", 1)] == [False]


async def test_the_culprit_of_a_batch_that_was_halved_has_its_own_exchange(sending: Sending) -> None:
    keep(sending.folder / "0", event_lines(0, 4))

    with Target(refuse("m1")) as target:
        await sending.send(to(target))

    newest, *others = of_event(inspect(sending.folder), "sink", "0", 1)
    assert (newest.first, newest.end, newest.dead) == (1, 2, True)
    assert [each.dead for each in others] == [False, False]


async def test_the_last_thousand_stay_and_those_of_dead_letters(sending: Sending) -> None:
    with Target(refuse("m0", status=422)) as target:
        keep(sending.folder / "0", event_lines(0, 1))
        await sending.send(to(target, body="event"))
        for start in range(1, 1101, 100):
            keep(sending.folder / "0", event_lines(start, start + 100))
            await sending.send(to(target, body="event"))

    assert [row.first for row in sending.rows(code="dead")] == [0]
    page = exchanges(inspect(sending.folder), "sink", Filter(limit=500, code="200"))
    following = exchanges(
        inspect(sending.folder), "sink", Filter(limit=500, code="200", cursor=page.next or "")
    )
    firsts = [row.first for row in (*page.items, *following.items)]
    assert firsts == list(range(1100, 100, -1))
    assert following.next is None


async def test_more_than_can_be_kept_are_counted(sending: Sending) -> None:
    keep(sending.folder / "0", event_lines(0, 150))

    with Target() as target:
        await sending.send(to(target, body="event", batch_events=150))

    assert len(sending.rows(limit=500)) == 100
    assert unkept(inspect(sending.folder), "sink") == 50


async def test_filters_select_by_status_and_text(sending: Sending) -> None:
    keep(sending.folder / "0", event_lines(0, 3))

    with Target(refuse("m1")) as target:
        await sending.send(to(target, body="event"))

    assert [row.first for row in sending.rows(code="400")] == [1]
    assert [row.first for row in sending.rows(text="POISON")] == [1]
    assert sending.rows(until="2001-01-01T00:00:00Z") == []


async def test_an_unknown_exchange_is_not_found(sending: Sending) -> None:
    with pytest.raises(NotFound):
        exchange(inspect(sending.folder), 10**30)
