"""The tables in config/webhooks, with payloads of the shape that the senders document, signed as they say."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gateway.config.file import load
from tests.build import Door, to_json
from tests.gateway import DEFAULTS, Answer, Gateway, until

FOLDER = Path(__file__).parents[2] / "config/webhooks"
SECRET = b"whsec_example"
UNSIGNED = {"mailchimp", "twilio"}


@pytest.fixture
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Door:
    """A door with one source, which has the table of the name that a test is given."""
    file = tmp_path / "gateway.toml"
    secret = "" if request.param in UNSIGNED else f'webhook_secret = "{SECRET.decode()}"\n'
    file.write_text(
        f'[sources.them]\nwrite_keys = ["them"]\nwebhook = "{FOLDER}/{request.param}.toml"\n'
        f'{secret}[sinks.x]\nkind = "null"\n'
    )
    return Door(*load(file, None, {}).sources.values())


def digest(body: bytes) -> bytes:
    return hmac.new(SECRET, body, hashlib.sha256).digest()


def send(door: Door, payload: dict[str, Any], headers: dict[str, str]) -> Answer:
    return door.request("POST", "/v1/webhook?writeKey=them", to_json(payload), headers)


def send_stripe(door: Door, payload: dict[str, Any]) -> Answer:
    now = str(int(time.time()))
    signature = digest(f"{now}.".encode() + to_json(payload)).hex()
    return send(door, payload, {"Stripe-Signature": f"t={now},v1={signature},v0={'0' * 64}"})


def send_shopify(door: Door, payload: dict[str, Any], topic: str) -> Answer:
    signature = base64.b64encode(digest(to_json(payload))).decode()
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": signature,
        "X-Shopify-Shop-Domain": "example.myshopify.com",
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "X-Shopify-Triggered-At": "2026-03-29T18:00:27.877041743Z",
    }
    return send(door, payload, headers)


def send_github(door: Door, payload: dict[str, Any], event: str) -> Answer:
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-GitHub-Hook-ID": "292430182",
        "X-Hub-Signature-256": f"sha256={digest(to_json(payload)).hex()}",
    }
    return send(door, payload, headers)


def stripe_event(type: str, object: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "evt_1Example",
        "object": "event",
        "api_version": "2026-01-28",
        "created": 1686089970,
        "data": {"object": object},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type,
    }


@pytest.mark.parametrize("door", ["stripe"], indirect=True)
def test_a_paid_invoice_of_stripe(door: Door) -> None:
    invoice = {"id": "in_1", "object": "invoice", "customer": "cus_1", "amount_paid": 1999, "currency": "eur"}

    answer = send_stripe(door, stripe_event("invoice.paid", invoice))

    event = door.event
    assert (answer.status, event["type"], event["event"]) == (200, "track", "invoice.paid")
    assert (event["messageId"], event["userId"], event["anonymousId"]) == ("evt_1Example", "cus_1", "in_1")
    assert (event["timestamp"], event["properties"]) == ("2023-06-06T22:19:30.000Z", invoice)
    assert event["context"] == {"livemode": False, "apiVersion": "2026-01-28"}


@pytest.mark.parametrize("door", ["stripe"], indirect=True)
@pytest.mark.parametrize(
    ("object", "id"),
    [({"id": "cus_1", "object": "customer"}, "cus_1"), ({"object": "balance"}, "evt_1Example")],
    ids=["a customer", "a balance"],
)
def test_what_has_no_customer_at_stripe_is_an_event_too(door: Door, object: dict[str, Any], id: str) -> None:
    answer = send_stripe(door, stripe_event("x.updated", object))

    assert (answer.status, door.event["anonymousId"], "userId" in door.event) == (200, id, False)


@pytest.mark.parametrize("door", ["shopify"], indirect=True)
def test_a_paid_order_of_shopify(door: Door) -> None:
    order = {
        "id": 820982911946154508,
        "admin_graphql_api_id": "gid://shopify/Order/820982911946154508",
        "cart_token": None,
        "created_at": "2026-03-29T13:00:00-05:00",
        "currency": "USD",
        "total_price": "403.00",
        "token": "123456abcd",
        "customer": {"id": 115310627314723954, "email": "john@example.com"},
        "line_items": [{"id": 866550311766439020, "sku": "SKU2006-001", "quantity": 1, "price": "199.00"}],
    }

    answer = send_shopify(door, order, "orders/paid")

    event = door.event
    assert (answer.status, event["event"], event["userId"]) == (200, "orders/paid", "115310627314723954")
    assert (event["anonymousId"], event["properties"]) == ("123456abcd", order)
    assert event["messageId"] == "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"
    assert event["timestamp"] == "2026-03-29T18:00:27.877Z"
    assert event["context"] == {"shop": "example.myshopify.com", "apiVersion": "2026-10"}


@pytest.mark.parametrize("door", ["shopify"], indirect=True)
@pytest.mark.parametrize(
    ("payload", "id"),
    [
        ({"id": 1, "admin_graphql_api_id": "gid://shopify/Customer/1"}, "gid://shopify/Customer/1"),
        ({"id": 1}, "example.myshopify.com"),
    ],
    ids=["a customer", "a theme"],
)
def test_what_has_no_customer_at_shopify_is_an_event_too(
    door: Door, payload: dict[str, Any], id: str
) -> None:
    answer = send_shopify(door, payload, "x/update")

    assert (answer.status, door.event["anonymousId"]) == (200, id)


@pytest.mark.parametrize("door", ["github"], indirect=True)
@pytest.mark.parametrize("event", ["issues", "push", "ping"])
def test_what_happened_at_github(door: Door, event: str) -> None:
    payload = {
        "action": "opened",
        "issue": {"number": 1347, "title": "Found a bug"},
        "repository": {"id": 1296269, "full_name": "octocat/Hello-World"},
        "sender": {"login": "octocat", "id": 1},
    }

    answer = send_github(door, payload, event)

    assert (answer.status, door.event["event"], door.event["userId"]) == (200, event, "1")
    assert (door.event["messageId"], door.event["properties"]) == (
        "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        payload,
    )
    assert door.event["context"] == {"repository": "octocat/Hello-World", "sender": "octocat"}


@pytest.mark.parametrize("door", ["github"], indirect=True)
def test_github_may_send_a_form(door: Door) -> None:
    payload = {"action": "opened", "sender": {"login": "octocat", "id": 1}}
    body = f"payload={quote(to_json(payload))}".encode()
    headers = {
        "X-GitHub-Event": "issues",
        "X-Hub-Signature-256": f"sha256={digest(body).hex()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }

    answer = door.request("POST", "/v1/webhook?writeKey=them", body, headers)

    assert (answer.status, door.event["userId"], door.event["properties"]) == (200, "1", payload)


@pytest.mark.parametrize("door", ["clerk"], indirect=True)
@pytest.mark.parametrize(
    ("data", "id"),
    [
        ({"id": "user_1"}, "user_1"),
        ({"id": "sess_1", "user_id": "user_1"}, "user_1"),
        ({"id": "org_1"}, "org_1"),
    ],
    ids=["a user", "a session", "an organization"],
)
def test_what_happened_at_clerk(door: Door, data: dict[str, Any], id: str) -> None:
    payload = {"data": data, "instance_id": "ins_1", "timestamp": 1716883200000, "type": "x.created"}
    now = str(int(time.time()))
    text = f"msg_1.{now}.".encode() + to_json(payload)
    signature = hmac.new(base64.b64decode("example="), text, hashlib.sha256).digest()
    headers = {"svix-id": "msg_1", "svix-timestamp": now}

    answer = send(door, payload, {**headers, "svix-signature": f"v1,{base64.b64encode(signature).decode()}"})

    event = door.event
    assert (answer.status, event["event"], event["userId"], event["messageId"]) == (
        200,
        "x.created",
        id,
        "msg_1",
    )
    assert (event["timestamp"], event["properties"]) == ("2024-05-28T08:00:00.000Z", data)
    assert event["context"] == {"instance": "ins_1"}


def send_form(door: Door, body: bytes) -> Answer:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return door.request("POST", "/v1/webhook?writeKey=them", body, headers)


@pytest.mark.parametrize("door", ["mailchimp"], indirect=True)
@pytest.mark.parametrize(
    ("body", "user", "anonymous"),
    [
        (b"type=x&data[email]=a%40b.org&data[id]=7", "a@b.org", "7"),
        (b"type=x&data%5Bnew_email%5D=a%40b.org&data%5Bnew_id%5D=7&data%5Bold_email%5D=x", "a@b.org", "7"),
        (b"type=x&data%5Bid%5D=c1&data%5Bsubject%5D=News", None, "c1"),
    ],
    ids=["a subscriber", "a new address", "a campaign"],
)
def test_what_happened_at_mailchimp(door: Door, body: bytes, user: str | None, anonymous: str) -> None:
    answer = send_form(door, body + b"&fired_at=2026-04-25+14%3A30%3A00")

    event = door.event
    assert (answer.status, event["event"], event.get("userId")) == (200, "x", user)
    assert (event["anonymousId"], event["timestamp"]) == (anonymous, "2026-04-25T14:30:00.000Z")


@pytest.mark.parametrize("door", ["twilio"], indirect=True)
def test_what_became_of_a_message_of_twilio(door: Door) -> None:
    answer = send_form(door, b"MessageSid=SM1&MessageStatus=delivered&To=%2B15550002&From=%2B15550001")

    event = door.event
    assert (answer.status, event["event"], event["userId"]) == (200, "delivered", "+15550002")
    assert (event["anonymousId"], event["properties"]["From"]) == ("SM1", "+15550001")


@pytest.mark.parametrize("door", ["stripe", "shopify", "github", "clerk"], indirect=True)
def test_without_a_signature_none_is_taken(door: Door) -> None:
    answer = send(door, {"id": "1", "type": "x"}, {})

    assert (answer.status, answer.json["code"], door.events) == (400, "bad_signature", [])


def test_a_real_gateway_takes_them(gateway: Callable[..., Gateway]) -> None:
    named = f'[sources.shop]\nwrite_keys = ["shop"]\nwebhook = "{FOLDER}/github.toml"\n'
    running = gateway(DEFAULTS + named + 'webhook_secret = "${SECRET}"', environment={"SECRET": "hush"})
    body = b'{"zen":"Design for failure.","sender":{"id":1}}'
    signature = hmac.new(b"hush", body, hashlib.sha256).hexdigest()

    answers = [
        running.request("POST", "/v1/webhook?writeKey=shop", body, {"X-GitHub-Event": "ping", **signed})
        for signed in ({"X-Hub-Signature-256": f"sha256={signature}"}, {})
    ]

    [event] = running.delivered(1)
    assert [answer.status for answer in answers] == [200, 400]
    assert (event["event"], event["userId"], event["source"]["name"]) == ("ping", "1", "shop")
    until(lambda: running.metrics()['gateway_events_refused_total{code="bad_signature"}'] == 1)


def test_every_table_is_tried_here() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == {
        "clerk",
        "github",
        "mailchimp",
        "shopify",
        "stripe",
        "twilio",
    }
