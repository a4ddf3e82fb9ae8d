"""The events that are measured with: 0.75 KB, as a browser's SDK sends them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any


def event() -> dict[str, Any]:
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
        "messageId": "ajs-next-1795301327711-7c964c84-9b78-4dd3-9eb3-1edbc0200208",
        "anonymousId": "60f87c96-4c84-4b78-bdd3-5eb31edbc020",
        "writeKey": "dev",
        "userId": "u1",
        "sentAt": now,
    }


def commandersact() -> dict[str, Any]:
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
            "event_id": "202611240000000000",
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


def single(make: Callable[[], dict[str, Any]] = event) -> bytes:
    return json.dumps(make(), separators=(",", ":")).encode()


def batch(size: int, make: Callable[[], dict[str, Any]] = event) -> bytes:
    return b'{"batch":[' + b",".join([single(make)] * size) + b"]}"
