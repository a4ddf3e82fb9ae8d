"""The calls that real clients make, and their comparison with events."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Call = dict[str, Any]
"""With Segment's names; other values than JSON's are encoded as tests/clients/scenario.cjs reads them."""

IDS = ("userId", "anonymousId", "groupId", "previousId")

CONTEXT = {"ip": "203.0.113.9", "locale": "de-CH", "page": {"url": "https://example.com/?a=1&b=%20"}}
VALUES = {
    "text": 'é漢😀 "quoted" \\ \n\t\u2028 </script>',
    "numbers": [0, -1, 12.5, 1e21, 2**53 - 1],
    "nothing": None,
    "truth": [True, False],
    "nested": {"empty": {}, "list": [], "deep": [{"a": [{"b": "c"}]}]},
    "instant": {"$date": "2026-01-02T03:04:05.678+02:00"},
    "": "a field without a name",
}
PERSON = {"userId": "u1", "anonymousId": "a1"}

CALLS: list[Call] = [
    {"type": "identify", **PERSON, "traits": VALUES, "context": CONTEXT},
    {
        "type": "track",
        **PERSON,
        "event": "Ordered",
        "properties": VALUES,
        "integrations": {"Mixpanel": False},
    },
    {"type": "track", "anonymousId": "a2", "event": "Née 😀", "messageId": "my-own"},
    {"type": "page", **PERSON, "category": "Shop", "name": "Home", "properties": VALUES},
    {"type": "page", "userId": "u1"},
    {"type": "screen", **PERSON, "category": "Shop", "name": "Home", "properties": VALUES},
    {"type": "screen", "userId": "u1", "name": "Main"},
    {"type": "group", **PERSON, "groupId": "g1", "traits": VALUES},
    {"type": "alias", "previousId": "a1", "userId": "u1", "context": CONTEXT},
    {"type": "track", "userId": "u1", "event": "Old", "timestamp": {"$date": "2020-02-29T23:59:00Z"}},
]
NUMBERED: list[Call] = [
    {"type": "identify", "userId": 12345},
    {"type": "group", "userId": "u1", "groupId": 77},
]


def track(event: str, **fields: Any) -> Call:
    return {"type": "track", "userId": "u1", "event": event, "messageId": event, **fields}


SIZE = 14_000
TOO_LARGE = track("Too large", properties={"x": "x" * 16_000})
NAMELESS = track("", messageId="Without a name")


def is_among(events: Iterable[Mapping[str, Any]], call: Call) -> bool:
    """Return True if an event matches a call; concurrent calls have no order."""
    return any(_excerpt(event, call) == call for event in events)


def _excerpt(found: Any, called: Any) -> Any:
    """Return the part of a call that an event has: equal to the call if nothing was lost or changed."""
    if isinstance(called, dict) and "$date" in called and isinstance(found, str):
        same = instant(found) == instant(called["$date"])
        return called if same else found
    if isinstance(called, dict) and isinstance(found, dict):
        return {name: _excerpt(found[name], value) for name, value in called.items() if name in found}
    return found


def instant(text: str) -> str:
    written = datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="milliseconds")
    return written.replace("+00:00", "Z")
