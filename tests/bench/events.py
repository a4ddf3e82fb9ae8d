"""The events that are measured with: 0.75 KB, as a browser's SDK sends them."""

import json
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


def single() -> bytes:
    return json.dumps(event(), separators=(",", ":")).encode()


def batch(size: int) -> bytes:
    return b'{"batch":[' + b",".join([single()] * size) + b"]}"
