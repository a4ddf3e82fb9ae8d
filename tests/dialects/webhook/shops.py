"""A source whose webhooks have a table."""

from typing import Any

from gateway.sources import Source
from gateway.webhooks.places import Entries, Place
from gateway.webhooks.signature import Signature
from gateway.webhooks.table import Fields, Webhook

TARGET = "/v1/webhook?writeKey=shop"


def shop(
    events: str = "",
    signature: Signature | None = None,
    fields: dict[str, Any] | None = None,
    **settings: Any,
) -> Source:
    """A source whose webhooks are {"kind": …, "who": …}, with the given fields besides or instead."""
    places = {"event": "$.kind", "user_id": "$.who"} | (fields or {})
    table = Fields(**{name: Place.parse(place) for name, place in places.items() if place})
    entries = Entries.parse(events) if events else None
    return Source("shop", ("shop",), webhook=Webhook(table, entries, signature), **settings)
