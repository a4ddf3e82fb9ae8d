"""The destination sink: requests as a mapping says, and what becomes of each event after an answer."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from gateway.config.secret import Secret
from gateway.destinations.vendor import MappingFile
from gateway.errors import SinkError, SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.base import Sink
from gateway.sinks.destination import Destination
from tests.build import event_line, event_lines, keep
from tests.delivery.work import deliver, make, open_state
from tests.sinks import chaos
from tests.sinks.batches import batch, batch_of, write
from tests.sinks.chaos import Behaviour, Target, script, standing_target
from tests.sinks.receiver import Receiver

ACME = """
[settings]
token = {secret = true}
[send]
url = "https://api.acme.example/v1/events"
headers = {Authorization = {join = [{const = "Bearer "}, {setting = "token"}]}}
items = "batch"
limits = {items = 4}
[common]
"messageId!" = "messageId"
event = ["event", "type"]
user = "userId"
[[rules]]
on = {}
[answers]
retry = [{body = "code", in = ["busy"]}]
credentials = [{body = "code", in = ["who"]}]
retry_after = "X-Wait"
"""
NAMED = ACME + 'refused = {errors = "errors", index = "position", message = "reason"}\n'


def example(folder: Path) -> Sink:
    """Return a sink for the contract tests."""
    return to(standing_target(), translate=None)


class Halved(Receiver):
    replays_once = True
    text = ACME

    def make(self, password: str) -> Sink:
        return to(self.target, self.text, password)


class Named(Halved):
    text = NAMED

    def refuse(self, events: list[dict[str, Any]], culprits: list[int]) -> Behaviour:
        self.store([event for index, event in enumerate(events) if index not in culprits])
        return errors(*culprits)


EXAMPLES = {"": Halved, "naming culprits": Named}


def to(target: Target, text: str = ACME, token: str = "acme-token", **keys: Any) -> Destination:
    return Destination(
        mapping=MappingFile(Path("acme.toml"), text),
        settings={"token": Secret(token)},
        url=target.url,
        allow_private=True,
        **keys,
    )


def errors(*positions: int, status: int = 200) -> Behaviour:
    found = [{"position": position, "reason": "it is poison"} for position in positions]
    return chaos.answer(status, json.dumps({"errors": found}).encode())


def fail(behaviour: Behaviour, *lines: bytes, text: str = NAMED) -> SinkError:
    with Target(script(then=behaviour)) as target, pytest.raises(SinkError) as raised:
        write(to(target, text), b"", batch_of(lines) if lines else batch(0, 3))
    return raised.value


def test_a_batch_becomes_requests_of_as_many_items_as_the_vendor_takes() -> None:
    with Target() as target:
        write(to(target), b"", batch(0, 6))

    assert [request.target for request in target.requests] == ["/v1/events"] * 2
    assert target.requests[0].headers["authorization"] == "Bearer acme-token"
    assert [[item["messageId"] for item in json.loads(body)["batch"]] for body in target.bodies] == [
        ["m0", "m1", "m2", "m3"],
        ["m4", "m5"],
    ]


def test_a_repeated_batch_has_the_same_bodies() -> None:
    with Target() as target:
        write(to(target), b"", batch(0, 3), batch(0, 3))

    first, second = target.bodies
    assert first == second


def test_the_events_of_a_person_stay_in_order_whatever_is_in_flight() -> None:
    lines = [event_line(n, userId=f"u{n % 3}") for n in range(30)]
    with Target() as target:
        write(to(target, in_flight=8), b"", batch_of(lines))

    for user in ("u0", "u1", "u2"):
        found = [item for body in target.bodies for item in json.loads(body)["batch"] if item["user"] == user]
        numbers = [int(item["messageId"][1:]) for item in found]
        assert numbers == sorted(numbers)
        assert len(numbers) == 10


def test_a_dry_run_sends_nothing_and_still_refuses() -> None:
    with Target() as target, pytest.raises(SinkRefused) as raised:
        write(to(target, dry_run=True), b"", batch_of([event_line(0), event_line(1, messageId="")]))

    assert target.requests == []
    assert {index: culprit.code for index, culprit in raised.value.culprits.items()} == {
        1: "missing_messageId"
    }
    assert raised.value.delivered == [0]


def test_a_dry_run_needs_no_vendor_that_can_be_reached() -> None:
    nowhere = Target(port=1)

    with pytest.raises(SinkUnavailable):
        anyio.run(to(nowhere).reach)
    anyio.run(to(nowhere, dry_run=True).reach)


def test_what_breaks_a_rule_is_not_sent_and_costs_no_other_event() -> None:
    lines = [event_line(0), event_line(1, messageId=""), event_line(2)]
    with Target() as target, pytest.raises(SinkRefused) as raised:
        write(to(target), b"", batch_of(lines))

    [body] = target.bodies
    assert [item["messageId"] for item in json.loads(body)["batch"]] == ["m0", "m2"]
    assert raised.value.delivered == [0, 2]


def test_an_event_that_cannot_be_mapped_is_named() -> None:
    error = fail(chaos.ACCEPT, event_line(0), b'{"type":1}', event_line(2))

    assert isinstance(error, SinkRefused)
    assert {index: culprit.code for index, culprit in error.culprits.items()} == {1: "unreadable"}


def test_the_events_that_the_vendor_names_are_refused_and_the_others_delivered() -> None:
    error = fail(errors(1))

    assert isinstance(error, SinkRefused)
    assert {index: culprit.message for index, culprit in error.culprits.items()} == {1: "it is poison"}
    assert error.delivered == [0, 2]


def test_with_an_error_status_the_others_are_not_delivered_yet() -> None:
    error = fail(errors(1, status=400))

    assert isinstance(error, SinkRefused)
    assert (set(error.culprits), error.delivered) == ({1}, [])


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(errors(7), id="no such index"),
        pytest.param(chaos.answer(200, b'{"errors": [{"reason": "x"}]}'), id="no index"),
        pytest.param(chaos.answer(400, b"\xff"), id="no JSON"),
        pytest.param(chaos.answer(413, b""), id="413"),
    ],
)
def test_where_no_event_is_named_delivery_has_to_find_it(behaviour: Behaviour) -> None:
    error = fail(behaviour)

    assert isinstance(error, SinkRefused)
    assert (error.culprits, error.delivered) == ({}, [])


def test_an_event_that_is_refused_alone_is_the_culprit() -> None:
    error = fail(chaos.answer(400, b"no"), event_line(0))

    assert isinstance(error, SinkRefused)
    assert [culprit.answer for culprit in error.culprits.values()] == ["no"]


def test_a_failure_names_what_other_requests_have_delivered() -> None:
    with (
        Target(script(chaos.ACCEPT, then=chaos.answer(503))) as target,
        pytest.raises(SinkUnavailable) as raised,
    ):
        write(to(target, in_flight=1), b"", batch(0, 6))

    assert raised.value.delivered == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        pytest.param(chaos.answer(200, b'{"code": "busy"}'), SinkUnavailable, id="retry by body"),
        pytest.param(chaos.answer(400, b'{"code": "who"}'), SinkMisconfigured, id="credentials by body"),
        pytest.param(chaos.answer(429), SinkUnavailable, id="429"),
        pytest.param(chaos.answer(401), SinkMisconfigured, id="401"),
        pytest.param(chaos.answer(302), SinkMisconfigured, id="302"),
    ],
)
def test_an_answer_means_what_the_mapping_or_else_its_status_says(
    behaviour: Behaviour, kind: type[SinkError]
) -> None:
    assert type(fail(behaviour)) is kind


def test_the_vendor_has_a_header_of_its_own_for_the_time_to_wait() -> None:
    error = fail(chaos.answer(200, b'{"code": "busy"}', X_Wait="7"))

    assert isinstance(error, SinkUnavailable)
    assert error.retry_after == 7


def test_errors_show_no_secret() -> None:
    error = fail(chaos.answer(500, b"acme-token Bearer acme-token"))

    assert error.answer == "******** ********"


def test_all_events_are_in_one_lane_if_all_are_of_one_person() -> None:
    with Target() as target:
        write(to(target, in_flight=8), b"", batch_of(event_lines(0, 8)))

    assert len(target.requests) == 2


def test_events_without_a_rule_are_filtered(tmp_path: Path) -> None:
    text = ACME.replace("on = {}", 'on = {type = "track", event = "Order *"}')
    names = ["Order Completed", "Other", "Order Refunded"]
    lines = [event_line(n, event=name) for n, name in enumerate(names)] + [
        event_line(3, type="page", event="")
    ]
    keep(tmp_path / "journal/0", lines)
    state = open_state(tmp_path)
    with Target() as target:
        anyio.run(deliver, make(to(target, text), tmp_path / "journal", state))

    tally = dict(state.tallies()["sink"])
    assert tally == {("delivered", ""): 2, ("filtered", "event"): 1, ("filtered", "type"): 1}
    assert len(target.requests) == 1


def test_requests_keep_to_the_rate_of_the_vendor() -> None:
    text = ACME.replace("limits = {items = 4}", 'limits = {items = 1, rate = "1000/s"}')
    with Target() as target:
        write(to(target, text), b"", batch(0, 5))

    assert len(target.requests) == 5
