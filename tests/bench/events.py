"""
The events that are measured with: 0.75 KB, as a browser's SDK sends them.

No two have the same id: MARK stands in it for the number of the request, with the event's place behind it.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

MARK = "#" * 16
"""Stands wherever the number of a request belongs, in as many digits."""


class Dialect(NamedTuple):
    single: str
    """The path for one event."""
    batch: str
    make: Callable[[int], dict[str, Any]]
    """Return the event for a place in a batch."""


def segment(place: int = 0) -> dict[str, Any]:
    """One track event whose clock is right for the next seconds."""
    soon = datetime.now(UTC) + timedelta(seconds=1)
    now = soon.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "timestamp": now,
        "integrations": {},
        "event": "Order Completed",
        "type": "track",
        "properties": {
            "revenue": 12.5,
            "order_id": "50314b8e9bcf000000000000",
            "currency": "EUR",
            "products": [{"product_id": "507f1f77bcf86cd799439011", "price": 19, "quantity": 1}],
        },
        "context": {
            "page": {
                "path": "/cart",
                "referrer": "https://ref.example/",
                "search": "?utm_source=x",
                "title": "Cart",
                "url": "https://shop.example/cart?utm_source=x",
            },
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
            "locale": "en-US",
            "library": {"name": "analytics.js", "version": "npm:next-1.84.3"},
        },
        "messageId": f"ajs-next-{MARK}-9b78-4dd3-9eb3-{place:015}",
        "anonymousId": "60f87c96-4c84-4b78-bdd3-5eb31edbc020",
        "writeKey": "dev",
        "userId": "u1",
        "sentAt": now,
    }


def commandersact(place: int = 0) -> dict[str, Any]:
    """What a site of Commanders Act would have sent instead."""
    return {
        "event_name": "purchase",
        "id": "50314b8e9bcf000000000000",
        "revenue": 12.5,
        "currency": "EUR",
        "items": [{"id": "1", "quantity": 1, "product": {"id": "507f1f77bcf86cd799439011", "price": 19}}],
        "user": {
            "id": "u1",
            "consistent_anonymous_id": "60f87c96-4c84-4b78-bdd3-5eb31edbc020",
            "email": "someone@shop.example",
            "consent_categories": ["1", "3"],
        },
        "context": {
            "event_id": f"{MARK}{place:02}",
            "event_timestamp": str(round(datetime.now(UTC).timestamp() * 1000)),
            "page": {
                "title": "Cart",
                "url": "https://shop.example/cart?utm_source=x",
                "lang": "en",
                "referrer": "https://ref.example/",
                "viewport": {"width": 320, "height": 568},
            },
            "device": {
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
                "ip": "192.0.2.7",
                "lang": "en",
                "cookie": "_ga=GA1.2.1234567890.1234567890",
                "timezone": "Europe/Paris",
            },
        },
    }


DIALECTS = (
    Dialect("/v1/track", "/v1/batch", segment),
    Dialect("/events?token=dev", "/events/batch?token=dev", commandersact),
)


def single(make: Callable[[int], dict[str, Any]] = segment) -> bytes:
    """The body of a request with one event."""
    return _json(make(0))


def batch(size: int, make: Callable[[int], dict[str, Any]] = segment) -> bytes:
    """The body of a request with several."""
    return _json({"batch": [make(place) for place in range(size)]})


def canonical() -> bytes:
    """A line of the journal, 0.95 KB, with MARK for its number; without integrations, consent or products."""
    event = segment()
    now = event["timestamp"]
    properties = {
        "revenue": 12.5,
        "order_id": "50314b8e9bcf000000000000",
        "currency": "EUR",
        "coupon": "WINTER-2026",
        "landing": "https://shop.example/winter",
        "shipping": {"method": "express", "city": "Amsterdam", "country": "NL"},
    }
    return _json(
        {name: event[name] for name in ("type", "messageId", "userId", "anonymousId", "event")}
        | {"properties": properties, "traits": {}, "context": event["context"], "integrations": {}}
        | {"timestamp": now, "originalTimestamp": now, "sentAt": now, "receivedAt": now}
        | {"source": {"name": "default", "dialect": "segment", "route": "/v1/batch"}}
    )


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
