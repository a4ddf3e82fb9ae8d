"""
A stand-in of Customer.io: the rules of its documents for batches of the Track API, version 2.

https://docs.customer.io/integrations/api/track and docs.customer.io/journeys/invalid-api-requests.
"""

import json
import re
from typing import Any

from gateway.destinations.packing import Request
from tests.destinations.rates import Rate

IDS = ("id", "email", "cio_id", "anonymous_id")
ACTIONS = {"event", "page", "screen", "identify", "merge"}


RATES = [Rate("/api/v2/batch", 100, 1)]


def broken(request: Request) -> list[str]:
    """Return the rules that a request breaks."""
    body = json.loads(request.body)
    found = [] if re.fullmatch("Basic [A-Za-z0-9+/=]+", request.call.headers["Authorization"]) else ["key"]
    found += (
        [] if re.fullmatch(r"https://track(-eu)?\.customer\.io/api/v2/batch", request.call.url) else ["url"]
    )
    found += ["body too large"] if len(request.body) > 500_000 else []
    found += [] if body.keys() == {"batch"} and body["batch"] else ["no batch"]
    return found + [problem for item in body["batch"] for problem in _item(item)]


def _item(item: dict[str, Any]) -> list[str]:
    found = ["over 32 KB"] if len(json.dumps(item)) > 32_768 else []
    attributes = item.get("attributes", {})
    found += [] if len(attributes) <= 300 else ["over 300 attributes"]
    found += [f"name {name}" for name in attributes if not 1 <= len(name.encode()) <= 150]
    found += ["created_at"] if not isinstance(attributes.get("created_at", 0), int) else []
    if item["type"] == "object":
        found += [] if item["identifiers"].keys() == {"object_type_id", "object_id"} else ["identifiers"]
        return found + [
            problem for each in item["cio_relationships"] for problem in _person(each["identifiers"])
        ]
    found += [] if item["type"] == "person" and item["action"] in ACTIONS else ["type or action"]
    if item["action"] == "merge":
        return found + _person(item["primary"]) + _person(item["secondary"])
    found += _person(item["identifiers"])
    if item["action"] == "identify":
        return found
    found += [] if isinstance(item["timestamp"], int) and item["timestamp"] < 10**10 else ["timestamp"]
    found += [] if re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", item["id"]) else ["id"]
    limit = 100 if "anonymous_id" in item["identifiers"] and item["action"] == "event" else 10_000
    return found + ([] if 1 <= len(item["name"].encode()) <= limit else ["name of the event"])


def _person(identifiers: dict[str, Any]) -> list[str]:
    found = [] if len(identifiers) == 1 and identifiers.keys() <= set(IDS) else [f"identifiers {identifiers}"]
    return found + [str(each) for each in identifiers.values() if not isinstance(each, str) or not each]
