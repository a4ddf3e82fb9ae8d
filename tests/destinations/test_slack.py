"""Slack: messages as its documents want them, written by hand from these."""

from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.destinations.answers import Verdict
from gateway.destinations.planning import plan
from gateway.sinks.destination import Destination
from tests.build import event_line
from tests.destinations import slack
from tests.destinations.commerce import EVENTS, ORDER
from tests.destinations.trying import Vendor

URL = "https://hooks.slack.com/services/T0/B0/secret"
SLACK = Vendor("slack", slack.broken, webhook_url=URL)


def texts(mapped: Any) -> list[str]:
    return [block["text"]["text"] for block in mapped.body["blocks"]]


def test_an_event_is_a_section_of_a_message() -> None:
    mapped = SLACK.map({"event": "Order Completed", "properties": ORDER})

    [request] = mapped.requests
    assert (request.call.method, request.call.url) == ("POST", URL)
    assert mapped.body == {
        "text": "New events",
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Order Completed* by u1"}}],
    }


@pytest.mark.parametrize("name", EVENTS)
def test_every_e_commerce_event_makes_a_message(name: str) -> None:
    assert texts(SLACK.map({"event": name, "properties": EVENTS[name]})) == [f"*{name}* by u1"]


@pytest.mark.parametrize(
    ("text", "fields", "said"),
    [
        pytest.param(
            "{properties.total} {properties.currency}", {"properties": ORDER}, "27.5 USD", id="properties"
        ),
        pytest.param(
            "{properties.products.1.name}", {"properties": ORDER}, "Uno", id="second entry of a list"
        ),
        pytest.param("by {userId|anonymousId}", {"userId": "", "anonymousId": "a1"}, "by a1", id="first"),
        pytest.param("a{properties.x}b", {}, "ab", id="what is absent"),
        pytest.param("{properties}", {"properties": {"a": True}}, '{"a":true}', id="object"),
        pytest.param(
            "<!here> {event}", {"event": "<!channel> & {userId}"}, "<!here> &lt;!channel&gt; &amp; {userId}",
            id="a value mentions nobody and names no other value",
        ),
        pytest.param("{event}", {"event": "e" * 4000}, "e" * 3000, id="as long as Slack takes"),
    ],
)  # fmt: skip
def test_the_text_is_a_setting_with_values_of_the_event(text: str, fields: dict[str, Any], said: str) -> None:
    assert texts(SLACK.map(fields, text=text)) == [said]


def test_up_to_50_events_share_a_message_in_their_order() -> None:
    lines = [event_line(n, event=f"E{n}", userId=f"u{n}") for n in range(60)]

    [lane] = plan(SLACK.program(text="{event}"), lines, 1, 0).lanes

    assert [slack.broken(request) for request in lane] == [[], []]
    assert [len(request.events) for request in lane] == [50, 10]
    assert lane[0].events == {("", n): n for n in range(50)}


@pytest.mark.parametrize("type", ["identify", "page", "screen", "group", "alias"])
def test_only_track_events_are_told(type: str) -> None:
    assert SLACK.program().exclusion(type, "", b"") == "type"


def test_an_event_of_which_nothing_is_said_is_not_sent() -> None:
    mapped = SLACK.map({}, text="{properties.comment}")

    assert (mapped.codes, mapped.requests) == (["missing_text"], [])


def test_the_address_is_a_secret() -> None:
    sink = Destination(name="slack", settings={"webhook_url": Secret(URL)})

    assert sink.target == "slack at https://hooks.slack.com"
    assert "secret" not in repr(sink)


def test_another_address_is_no_webhook_of_slack() -> None:
    sink = Destination(name="slack", settings={"webhook_url": Secret("https://evil.example/")})

    [(key, said)] = sink.check()
    assert key == "settings.webhook_url"
    assert "evil" not in said


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        pytest.param(200, b"ok", Verdict("ok"), id="ok"),
        pytest.param(400, b"invalid_blocks", Verdict("unknown"), id="delivery finds which block"),
        pytest.param(404, b"no_service", Verdict("unknown"), id="404 concerns the webhook"),
    ],
)
def test_answers_are_told_by_their_status(status: int, body: bytes, verdict: Verdict) -> None:
    assert SLACK.judge(status, body) == verdict
