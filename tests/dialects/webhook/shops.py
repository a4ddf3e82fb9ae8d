"""A source whose webhooks have a table, and forms that are sent to it."""

from typing import Any

from gateway.config.secret import Secrets
from gateway.sources import Source
from gateway.webhooks.places import Entries, Place
from gateway.webhooks.signature import Signature
from gateway.webhooks.table import Fields, Webhook
from tests.build import Door
from tests.gateway import Answer

TARGET = "/v1/webhook?writeKey=shop"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=XX"


def shop(
    events: str = "",
    signature: Signature | None = None,
    fields: dict[str, Any] | None = None,
    webhook_secret: str = "",
    **settings: Any,
) -> Source:
    """A source whose webhooks are {"kind": …, "who": …}, with the given fields besides or instead."""
    places = {"event": "$.kind", "user_id": "$.who"} | (fields or {})
    table = Fields(**{name: Place.parse(place) for name, place in places.items() if place})
    entries = Entries.parse(events) if events else None
    secrets = Secrets.parse(webhook_secret) if webhook_secret else Secrets()
    webhook = Webhook(table, entries, signature)
    return Source("shop", ("shop",), webhook=webhook, webhook_secret=secrets, **settings)


def send(door: Door, body: bytes, content_type: str = FORM, target: str = TARGET, **headers: str) -> Answer:
    return door.request("POST", target, body, {"Content-Type": content_type, **headers})


def multipart(*parts: tuple[str, str | bytes], end: bytes = b"\r\n") -> bytes:
    """A body of parts, each with its disposition after `form-data; ` and its value."""
    pieces = []
    for disposition, value in parts:
        head = [b"--XX", f"Content-Disposition: form-data; {disposition}".encode(), b""]
        pieces += [*head, value.encode() if isinstance(value, str) else value]
    return end.join([*pieces, b"--XX--", b""])


def properties(body: bytes, content_type: str = FORM) -> Any:
    """The whole of a body, as a table finds it."""
    door = Door(shop(fields={"event": "Form", "user_id": "u1", "properties": "$"}))
    answer = send(door, body, content_type)
    assert answer.status == 200, answer.body
    return door.event["properties"]
