"""The segment sink: messages as Segment's SDKs send them, and what becomes of each after an answer."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.config.units import Size
from gateway.errors import Culprit, SinkError, SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.base import Sink
from gateway.sinks.segment import Segment, to_segment
from tests.build import Door, event_line
from tests.config import texts
from tests.sinks import chaos
from tests.sinks.batches import batch, batch_of, write
from tests.sinks.chaos import Behaviour, Request, Target, script, standing_target
from tests.sinks.receiver import Receiver

TIME = "2026-01-01T12:00:00.000Z"


def example(folder: Path) -> Sink:
    """Return a sink for the contract tests."""
    return to(standing_target())


class Upstream(Receiver):
    replays_once = True

    def make(self, password: str) -> Sink:
        return Segment(url=self.target.url, write_key=Secret(password), allow_private=True)

    def refuse(self, events: list[dict[str, Any]], culprits: list[int]) -> Behaviour:
        self.store([event for index, event in enumerate(events) if index not in culprits])
        return result(*({"Index": index, "Message": "it is poison"} for index in culprits))


EXAMPLES = {"": Upstream}


def to(target: Target, **keys: Any) -> Segment:
    return Segment(url=target.url, write_key=Secret("upstream-key"), allow_private=True, **keys)


def sent(*lines: bytes) -> Request:
    with Target() as target:
        write(to(target), b"", batch_of(lines))
    [request] = target.requests
    return request


def fail(behaviour: Behaviour, *lines: bytes) -> SinkError:
    with Target(script(then=behaviour)) as target, pytest.raises(SinkError) as raised:
        write(to(target), b"", batch_of(lines) if lines else batch(0, 3))
    return raised.value


def result(*errors: Any, status: int = 207) -> Behaviour:
    return chaos.answer(status, json.dumps({"success": False, "Errors": errors}).encode())


def test_a_batch_is_one_request_with_the_write_key() -> None:
    request = sent(event_line(0), event_line(1))

    assert (request.method, request.target) == ("POST", "/v1/batch")
    assert request.headers["authorization"] == "Basic " + b64encode(b"upstream-key:").decode()
    assert request.headers["x-strict-mode"] == "1"
    assert [each["messageId"] for each in json.loads(request.body)["batch"]] == ["m0", "m1"]


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/below", "/below/v1"])
def test_the_address_may_end_in_v1(path: str) -> None:
    with Target() as target:
        write(Segment(url=target.url + path, write_key=Secret("k"), allow_private=True), b"", batch(0, 1))

    [request] = target.requests
    assert request.target == f"{'/below' if 'below' in path else ''}/v1/batch"


def test_a_repeated_batch_has_the_same_body() -> None:
    with Target() as target:
        write(to(target), b"", batch(0, 3), batch(0, 3))

    first, second = target.bodies
    assert first == second


def test_a_message_is_what_an_sdk_would_send() -> None:
    line = event_line(
        properties={"revenue": 1},
        context={"ip": "1.2.3.4"},
        integrations={"All": False, "Mixpanel": True},
        channel="server",
        originalTimestamp="2026-01-01T11:00:00.000Z",
        sentAt="2026-01-01T11:00:05.000Z",
        warnings=[{"code": "missing_id", "field": "", "detail": ""}],
        native={"derived": ["x"]},
    )

    assert json.loads(to_segment(line)) == {
        "type": "track",
        "messageId": "m0",
        "userId": "u1",
        "event": "Ordered",
        "properties": {"revenue": 1},
        "context": {"ip": "1.2.3.4"},
        "integrations": {"All": False, "Mixpanel": True},
        "channel": "server",
        "timestamp": TIME,
        "originalTimestamp": "2026-01-01T11:00:00.000Z",
    }


def test_unknown_fields_return_to_where_they_were() -> None:
    line = event_line(extras={"_metadata": {"bundled": []}, "version": 2, "sentAt": TIME, "writeKey": "x"})

    message = json.loads(to_segment(line))

    assert (message["_metadata"], message["version"]) == ({"bundled": []}, 2)
    assert message.keys().isdisjoint({"extras", "sentAt", "writeKey"})


def test_values_keep_their_digits() -> None:
    line = event_line(properties={"a": 1})[:-1].replace(b'{"a":1}', b'{"a":1.50,"b":1E+400}') + b"}"

    assert b'"properties":{"a":1.50,"b":1E+400}' in to_segment(line)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"userId": ""}, "missing_id", id="no id"),
        pytest.param({"event": ""}, "missing_event", id="no name"),
        pytest.param({"type": "group"}, "missing_group_id", id="no group"),
        pytest.param({"type": "alias"}, "missing_previous_id", id="no previous id"),
        pytest.param({"properties": {"a": "x" * 32768}}, "event_too_large", id="too large"),
    ],
)
def test_an_event_that_segment_would_drop_is_refused_and_nothing_sent(fields: Any, code: str) -> None:
    with Target() as target, pytest.raises(SinkRefused) as raised:
        write(to(target), b"", batch_of([event_line(0), event_line(1, **fields), event_line(2)]))

    assert {index: culprit.code for index, culprit in raised.value.culprits.items()} == {1: code}
    assert (raised.value.delivered, target.requests) == ((), [])


def test_the_largest_event_can_be_set() -> None:
    with Target() as target:
        write(to(target, max_event=Size(10**6)), b"", batch_of([event_line(properties={"a": "x" * 99_999})]))

    assert len(target.requests) == 1


def test_an_event_that_cannot_be_translated_is_named() -> None:
    error = fail(chaos.ACCEPT, event_line(0), b'{"type":1}', event_line(2))

    assert isinstance(error, SinkRefused)
    assert error.culprits == {1: Culprit("the event could not be translated", "internal_error")}


@pytest.mark.parametrize("status", [207, 200])
def test_the_events_that_the_target_refuses_are_named_and_all_others_delivered(status: int) -> None:
    entry = {"Index": 1, "code": "missing_event", "Message": "No name", "Details": "$.event"}
    error = fail(result(entry, {"Index": 2, "code": "of their own"}, status=status))

    assert isinstance(error, SinkRefused)
    assert error.culprits == {
        1: Culprit("No name: $.event", "missing_event", json.dumps(entry)),
        2: Culprit("refused", "refused", '{"Index": 2, "code": "of their own"}'),
    }
    assert error.delivered == [0]


def test_when_all_are_refused_none_is_delivered() -> None:
    error = fail(result(*({"Index": n, "code": "missing_id"} for n in range(3)), status=400))

    assert isinstance(error, SinkRefused)
    assert (set(error.culprits), error.delivered) == ({0, 1, 2}, ())


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(result(), id="none named"),
        pytest.param(result({"Index": 3}), id="index too high"),
        pytest.param(result({"Index": -1}), id="index negative"),
        pytest.param(result({"Index": 0}, {"Index": None}), id="index missing"),
        pytest.param(result({"Index": 0}, "x"), id="no object"),
        pytest.param(result({"code": "overloaded"}, status=200), id="200"),
        pytest.param(chaos.answer(207, b"<html>"), id="no JSON"),
        pytest.param(chaos.answer(207, b"[" * 100_000), id="nested, and too long"),
        pytest.param(chaos.answer(400, b"\xff"), id="400"),
        pytest.param(chaos.answer(413, b""), id="413"),
    ],
)
def test_where_the_refused_events_are_not_named_delivery_has_to_find_them(behaviour: Behaviour) -> None:
    error = fail(behaviour)

    assert isinstance(error, SinkRefused)
    assert (error.culprits, error.delivered) == ({}, ())


def test_a_207_that_breaks_off_is_asked_for_again() -> None:
    assert isinstance(fail(chaos.half_a_body(207)), SinkUnavailable)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(chaos.half_a_body(200), id="breaks off"),
        pytest.param(chaos.answer(200, b"OK"), id="RudderStack"),
        pytest.param(chaos.answer(200, b""), id="empty"),
        pytest.param(chaos.answer(204, b""), id="204"),
    ],
)
def test_any_other_2xx_is_a_success(behaviour: Behaviour) -> None:
    with Target(script(behaviour)) as target:
        write(to(target), b"", batch(0, 3))

    assert len(target.requests) == 1


@pytest.mark.parametrize("code", ["unknown_write_key", "source_disabled", "bad_signature"])
def test_a_write_key_that_is_not_known_is_no_events_fault(code: str) -> None:
    error = fail(chaos.answer(400, json.dumps({"code": code}).encode()))

    assert isinstance(error, SinkMisconfigured)
    assert str(error).endswith(f"answered 400 Bad Request: {code}")


def test_errors_show_no_key() -> None:
    login = b64encode(b"upstream-key:")
    error = fail(chaos.answer(500, b"upstream-key Basic " + login))

    assert error.answer == "******** Basic ********"


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ('url = "x"', "url: expected an address"),
        ('url = "https://example.com?a=b"', "url: the address must hold no query"),
        ('url = "https://example.com"\ntimeout = "0s"', "timeout: must be more than 0s"),
    ],
)
def test_a_mistake_in_the_table_is_named(keys: str, mistake: str, tmp_path: Path) -> None:
    table = f'kind = "segment"\nwrite_key = "k"\n{keys}'

    [said] = texts.mistakes(texts.write(tmp_path / "gateway.toml", sinks__upstream=table))

    assert said.startswith(f"[sinks.upstream] {mistake}")


def test_what_another_gateway_stores_is_the_same_event() -> None:
    here, there = Door(), Door()
    events: list[dict[str, Any]] = [
        {"type": "identify", "anonymousId": "a1", "traits": {"age": 7}},
        {"type": "page", "userId": "u1", "name": "Home", "category": "Shop", "context": {"ip": "::1"}},
        {"type": "group", "userId": "u1", "groupId": "g", "integrations": {"All": False}},
        {"type": "alias", "userId": "u1", "previousId": "u0", "messageId": "m", "section": 3},
    ]
    timed = [{**event, "timestamp": "2020-01-01T00:00:00.5Z"} for event in events]
    here.post("/v1/batch", {"batch": timed, "sentAt": "2020-01-01T00:00:01Z"})

    messages = b",".join(map(to_segment, here.journal.lines))
    there.post("/v1/batch", b'{"batch":[%b]}' % messages)

    added = {"receivedAt", "sentAt", "source"}
    assert [without(event, added) for event in there.events] == [
        without(event, added) for event in here.events
    ]


def without(event: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in names}
