"""The commandersact sink: events of version 2.0, and what becomes of a batch after an answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkError, SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.base import Sink
from gateway.sinks.commandersact import CommandersAct, to_message
from tests.build import Door, event_line
from tests.config import texts
from tests.sinks import chaos
from tests.sinks.batches import batch, batch_of, write
from tests.sinks.chaos import Behaviour, Target, script, standing_target
from tests.sinks.receiver import Receiver

PURCHASE = {
    "event_name": "purchase",
    "user": {"id": "u1", "consistent_anonymous_id": "a1", "consent_categories": [1, 3], "firstname": "Ann"},
    "context": {
        "event_id": "202110130000000000",
        "event_timestamp": "1639044446636",
        "page": {"url": "https://shop.example/cart?a=1", "viewport": {"width": 3, "height": 4}},
        "device": {"ip": "102.3.4.56", "lang": "fr", "cookie": "CAID=9; x=y"},
    },
    "value": 22.530,
    "items": [{"id": "SKU_1", "quantity": 2}],
}


def example(folder: Path) -> Sink:
    """Return a sink for the contract tests."""
    return to(standing_target())


class Collector(Receiver):
    replays_once = True

    def make(self, password: str) -> Sink:
        return CommandersAct(url=self.target.url, site="29", token=Secret(password), allow_private=True)

    def id_of(self, event: dict[str, Any]) -> str:
        return str(event["context"]["event_id"])


EXAMPLES = {"": Collector}


def to(target: Target, path: str = "") -> CommandersAct:
    return CommandersAct(url=target.url + path, site="29", token=Secret("tok+en/value="), allow_private=True)


def fail(behaviour: Behaviour) -> SinkError:
    with Target(script(then=behaviour)) as target, pytest.raises(SinkError) as raised:
        write(to(target), b"", batch(0, 3))
    return raised.value


def stored(*events: Any) -> Door:
    """Return a gateway that has stored events that were sent as Commanders Act's."""
    door = Door()
    for event in events:
        door.request("POST", "/events?token=dev", json.dumps(event).encode(), {})
    assert len(door.events) == len(events)
    return door


def translated(line: bytes) -> Any:
    return json.loads(to_message(line))


@pytest.mark.parametrize("path", ["", "/", "/cdp", "/cdp/events/", "/events"])
def test_a_batch_is_one_request_with_site_and_token(path: str) -> None:
    with Target() as target:
        write(to(target, path), b"", batch(0, 2))

    [request] = target.requests
    below = "/cdp" if "cdp" in path else ""
    assert request.method == "POST"
    assert request.target == f"{below}/events/batch?tc_s=29&token=tok%2Ben/value%3D"
    assert len(json.loads(request.body)["batch"]) == 2


def test_an_event_of_commanders_act_leaves_as_it_came() -> None:
    [line] = stored(PURCHASE).journal.lines

    assert translated(line) == PURCHASE


def test_an_event_of_another_dialect_becomes_one_of_version_2() -> None:
    line = event_line(
        event="Order Completed",
        anonymousId="a1",
        properties={"revenue": 12},
        context={
            "ip": "1.2.3.4",
            "page": {"url": "https://x.example"},
            "consent": {"categoryPreferences": {"1": True}},
        },
        integrations={"All": False},
    )

    assert translated(line) == {
        "event_name": "Order Completed",
        "revenue": 12,
        "user": {"id": "u1", "consistent_anonymous_id": "a1", "consent_categories": ["1"]},
        "context": {
            "event_id": "m0",
            "event_timestamp": "1767268800000",
            "device": {"ip": "1.2.3.4"},
            "page": {"url": "https://x.example"},
        },
    }


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        pytest.param({"type": "identify", "traits": {"email": "a@b.c"}}, "identify", id="identify"),
        pytest.param({"type": "group", "groupId": "g"}, "group", id="group"),
        pytest.param({"type": "alias", "previousId": "p"}, "alias", id="alias"),
        pytest.param({"type": "page", "name": "Home"}, "page_view", id="page"),
        pytest.param({"type": "screen", "name": "Home"}, "page_view", id="screen"),
    ],
)
def test_every_type_has_a_name_there(fields: Any, name: str) -> None:
    door = Door()
    door.post("/v1/batch", {"batch": [{"userId": "u1", **fields}]})

    [line] = door.journal.lines
    assert translated(line)["event_name"] == name


@pytest.mark.parametrize("context", [{}, {"page": {}}, None, {"event_id": "", "event_timestamp": ""}])
def test_an_event_without_id_and_time_gets_those_that_it_has_here(context: Any) -> None:
    door = stored({"event_name": "a", "user": {"id": "u1"}, "context": context})

    [line] = door.journal.lines
    found = translated(line)["context"]
    assert found["event_id"] == door.event["messageId"]
    assert found["event_timestamp"].isdecimal()


def test_a_time_at_the_root_is_one() -> None:
    sent = {
        "event_name": "a",
        "event_timestamp": 1639044446636,
        "user": {"id": "u"},
        "context": {"event_id": "e"},
    }

    [line] = stored(sent).journal.lines

    assert translated(line) == sent


def test_events_that_would_be_dropped_in_silence_are_refused_and_nothing_sent() -> None:
    [nameless] = stored({"user": {"id": "u1"}, "context": {}}).journal.lines
    large = event_line(properties={"a": "x" * 32768})

    with Target() as target, pytest.raises(SinkRefused) as raised:
        write(to(target), b"", batch_of([event_line(0), nameless, large]))

    assert {index: culprit.code for index, culprit in raised.value.culprits.items()} == {
        1: "missing_event",
        2: "event_too_large",
    }
    assert target.requests == []


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        pytest.param(chaos.answer(503, X_Gateway_Error="overloaded"), SinkUnavailable, id="overloaded"),
        pytest.param(chaos.answer(401), SinkMisconfigured, id="401"),
        pytest.param(chaos.answer(200, X_Gateway_Error="unknown_write_key"), SinkMisconfigured, id="token"),
        pytest.param(chaos.answer(400), SinkRefused, id="400"),
        pytest.param(chaos.answer(200, X_Gateway_Error="event_too_large"), SinkRefused, id="one event"),
    ],
)
def test_an_answer_that_is_no_success_fails(behaviour: Behaviour, failure: type[SinkError]) -> None:
    assert isinstance(fail(behaviour), failure)


@pytest.mark.parametrize(("said", "code"), [("invalid_field", "invalid_field"), ("theirs", "refused")])
def test_a_refusal_of_another_gateway_has_its_code_and_no_culprit(said: str, code: str) -> None:
    error = fail(chaos.answer(200, X_Gateway_Error=said))

    assert isinstance(error, SinkRefused)
    assert (error.code, error.culprits, error.delivered) == (code, {}, ())


def test_errors_show_no_token() -> None:
    error = fail(chaos.answer(500, b"tok+en/value= at tok%2Ben/value%3D"))

    assert f"{error} {error.answer}".endswith("******** at ********")


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ('site = ""', "site: missing, or empty"),
        ('site = "1"\nurl = "x"', "url: expected an address"),
        ('site = "1"\nurl = "https://example.com?a=b"', "url: the address must hold no query"),
        ('site = "1"\ntimeout = "0s"', "timeout: must be more than 0s"),
    ],
)
def test_a_mistake_in_the_table_is_named(keys: str, mistake: str, tmp_path: Path) -> None:
    table = f'kind = "commandersact"\ntoken = "t"\n{keys}'

    [said] = texts.mistakes(texts.write(tmp_path / "gateway.toml", sinks__cdp=table))

    assert said.startswith(f"[sinks.cdp] {mistake}")


def test_what_another_gateway_stores_is_the_same_event() -> None:
    here, there = stored(PURCHASE, {**PURCHASE, "event_name": "page_view", "page_name": "Home"}), Door()

    messages = b",".join(map(to_message, here.journal.lines))
    there.request("POST", "/events/batch?token=dev", b'{"batch":[%b]}' % messages, {})

    assert len(there.events) == 2
    assert list(map(without_arrival, there.events)) == list(map(without_arrival, here.events))


def without_arrival(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ("receivedAt", "source")}
