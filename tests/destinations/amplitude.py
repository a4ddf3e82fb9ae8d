"""
A stand-in of Amplitude: the rules of its documents for events and for user mappings.

https://amplitude.com/docs/apis/analytics: HTTP V2, batch event upload, user mapping.
"""

import json
import re
from typing import Any

from gateway.destinations.packing import Request
from tests.destinations.trying import content, members

URL = r"https://api(2|\.eu)\.amplitude\.com/(2/httpapi|batch)"
USERMAP = ("https://api.amplitude.com/usermap", "https://api.eu.amplitude.com/usermap")
FORBIDDEN = {
    *("anonymous", "nil", "none", "null", "n/a", "na", "undefined", "unknown", "{}", "lmy47d", "0", "-1"),
    "00000000-0000-0000-0000-000000000000",
}
KEYS = {
    *("user_id", "device_id", "event_type", "time", "insert_id", "event_properties", "user_properties"),
    *("groups", "group_properties", "app_version", "platform", "os_name", "os_version", "device_brand"),
    *("device_manufacturer", "device_model", "carrier", "country", "region", "city", "language", "ip"),
    *("revenue", "revenueType", "currency", "location_lat", "location_lng", "session_id", "user_agent"),
}
SPECIAL = ("$identify", "$groupidentify")


def broken(request: Request) -> list[str]:
    """Return the rules that a request breaks; one of them has all of it refused."""
    body = content(request)
    if request.call.url in USERMAP:
        return _mapping(request, body)
    found = [] if re.fullmatch(URL, request.call.url) else ["url"]
    found += [] if body.keys() == {"api_key", "options", "events"} and body["api_key"] else ["members"]
    found += [] if 1 <= len(body["events"]) < 2000 and len(request.body) <= 1_000_000 else ["size"]
    shortest = body["options"].get("min_id_length", 5)
    return found + [problem for event in body["events"] for problem in _event(event, shortest)]


def _mapping(request: Request, body: dict[str, str]) -> list[str]:
    form = request.call.headers["Content-Type"] == "application/x-www-form-urlencoded"
    found = [] if form and body.keys() == {"api_key", "mapping"} else ["no form"]
    found += [] if len(request.body) <= 1_000_000 else ["size"]
    pair = {"user_id", "global_user_id"}
    return found + [f"mapping {each}" for each in json.loads(body["mapping"]) if each.keys() != pair]


def _event(event: dict[str, Any], shortest: int) -> list[str]:
    found = [f"unknown key {name}" for name in event.keys() - KEYS]
    ids = [event[name] for name in ("user_id", "device_id") if name in event]
    found += [] if any(len(each) >= shortest for each in ids) else ["no user_id and no device_id"]
    found += [f"id {each}" for each in ids if each in FORBIDDEN]
    found += [] if event.get("event_type") else ["no event_type"]
    found += [] if isinstance(event["time"], int) and event["time"] > 10**12 else ["time in milliseconds"]
    found += [] if isinstance(event.get("revenue", 0), int | float) else ["revenue"]
    found += [
        f"{path} too long" for path, value in members(event) if isinstance(value, str) and len(value) > 1024
    ]
    for name in ("user_properties", "group_properties"):
        operations = [key.startswith("$") for key in event.get(name, {})]
        found += [] if len({*operations}) < 2 else [f"operations and plain keys in {name}"]
        found += [] if event["event_type"] in SPECIAL or not any(operations) else ["operations of an event"]
    if event["event_type"] == "$groupidentify":
        found += [] if event.get("groups") and event.get("group_properties") else ["no group"]
    return found
