"""
A stand-in of Google Analytics: the rules of the Measurement Protocol's documents.

https://developers.google.com/analytics/devguides/collection/protocol/ga4, reference, sending events, and the
event builder's schemas. Google answers 204 to whatever breaks them.
"""

import json
import re
from typing import Any

from gateway.destinations.packing import Request

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
PREFIXES = ("firebase_", "ga_", "google_", "gtag.")
LENGTHS = {"page_title": 300, "page_referrer": 420, "page_location": 1000}
REQUIRED = {
    "purchase": ("transaction_id", "value", "currency", "items"),
    "refund": ("transaction_id",),
    "add_to_cart": ("items",),
    "remove_from_cart": ("items",),
    "add_to_wishlist": ("items",),
    "view_item": ("items",),
    "view_item_list": ("items",),
    "select_item": ("items",),
    "view_cart": ("items",),
    "begin_checkout": ("items",),
    "search": ("search_term",),
    "join_group": ("group_id",),
}
ITEM = {
    *("item_id", "item_name", "price", "quantity", "item_brand", "item_category", "item_variant", "coupon"),
    *("affiliation", "discount", "index"),
}


def broken(request: Request) -> list[str]:
    """Return the rules that a request breaks."""
    body = json.loads(request.body)
    found = [
        f"no {name} in the query"
        for name in ("api_secret", "measurement_id")
        if not request.call.query.get(name)
    ]
    found += ["body too large"] if len(request.body) > 130_000 else []
    found += [] if isinstance(body.get("client_id"), str) else ["no client_id"]
    found += [] if 1 <= len(body["events"]) <= 25 else ["not 1 to 25 events"]
    found += [f"unknown member {name}" for name in body.keys() - MEMBERS]
    properties = body.get("user_properties", {})
    found += ["too many user properties"] if len(properties) > 25 else []
    for name, each in properties.items():
        found += [] if NAME.fullmatch(name) and len(name) <= 24 else [f"user property {name}"]
        found += [] if each.keys() == {"value"} and len(str(each["value"])) <= 36 else [f"value of {name}"]
    for hashed in (value for values in body.get("user_data", {}).values() for value in values):
        found += [] if re.fullmatch("[0-9a-f]{64}", hashed) else [f"not hashed: {hashed}"]
    for consent in body.get("consent", {}).values():
        found += [] if consent in ("GRANTED", "DENIED") else [f"consent {consent}"]
    return found + [problem for event in body["events"] for problem in _event(event)]


MEMBERS = {
    *("client_id", "user_id", "ip_override", "user_agent", "consent", "user_properties", "user_data"),
    "events",
}


def _event(event: dict[str, Any]) -> list[str]:
    name, params = event["name"], event.get("params", {})
    found = [] if NAME.fullmatch(name) and not name.startswith(PREFIXES) else [f"event name {name}"]
    found += [f"{name} without {each}" for each in REQUIRED.get(name, ()) if each not in params]
    found += ["too many params"] if len(params) > 25 else []
    found += ["value without currency"] if "value" in params and "currency" not in params else []
    found += [] if re.fullmatch("[A-Z]{3}", params.get("currency", "EUR")) else ["currency"]
    found += [] if isinstance(event["timestamp_micros"], int) else ["timestamp_micros"]
    for key, value in params.items():
        found += [] if NAME.fullmatch(key) and not key.startswith(PREFIXES) else [f"param name {key}"]
        if key == "items":
            found += [problem for item in value for problem in _item(item)]
        elif not isinstance(value, str | int | float):
            found.append(f"{key} is {value!r}")
        elif isinstance(value, str) and len(value) > LENGTHS.get(key, 100):
            found.append(f"{key} is too long")
    return found


def _item(item: dict[str, Any]) -> list[str]:
    found = [] if "item_id" in item or "item_name" in item else ["item without id and name"]
    found += [f"custom parameter {name} of an item" for name in item.keys() - ITEM]
    return found + [
        f"{name} of an item is {item[name]!r}"
        for name in ("price", "quantity", "discount", "index")
        if not isinstance(item.get(name, 0), int | float)
    ]
