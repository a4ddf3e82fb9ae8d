"""
A stand-in of Braze: the rules of its documents for users/track, users/identify and users/merge.

https://www.braze.com/docs/api: endpoints/user_data, objects_filters (event, purchase and user attributes),
and the schemas of recommended events.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gateway.destinations.packing import Request
from tests.destinations.rates import Rate

EVENT = {"name", "time", "app_id", "properties"}
PURCHASE = {"product_id", "currency", "price", "quantity", "time", "app_id", "properties"}
PERSON = {"external_id", "user_alias", "_update_existing_only"}
PRODUCT = ("product_id", "product_name", "variant_id", "price")
ORDER = ("currency", "total_value", "products", "source")
SCHEMAS = {
    "ecommerce.product_viewed": (*PRODUCT, "currency", "source"),
    "ecommerce.checkout_started": (*ORDER, "checkout_id"),
    "ecommerce.order_placed": (*ORDER, "order_id"),
    "ecommerce.order_refunded": (*ORDER, "order_id"),
    "ecommerce.order_cancelled": (*ORDER, "order_id", "cancel_reason"),
}


RATES = [
    Rate("/users/track", 3000, 3),
    Rate("/users/identify|/users/merge", 20_000, 60),  # shared
]


def broken(request: Request) -> list[str]:
    """Return the rules that a request breaks."""
    body, path = json.loads(request.body), request.call.url.partition(".braze.eu")[2]
    found = [] if re.fullmatch("Bearer .+", request.call.headers.get("Authorization", "")) else ["key"]
    if path == "/users/identify":
        people = body["aliases_to_identify"]
        found += [] if len(people) <= 50 else ["over 50 people"]
        return found + [str(each) for each in people if {"external_id", "user_alias"} - each.keys()]
    if path == "/users/merge":
        return found + ([] if 1 <= len(body["merge_updates"]) <= 50 else ["not 1 to 50 merges"])
    found += [] if path == "/users/track" else [f"path {path}"]
    arrays = {name: body.pop(name, []) for name in ("attributes", "events", "purchases")}
    found += [f"unknown member {name}" for name in body]
    found += [] if 1 <= sum(map(len, arrays.values())) <= 75 else ["not 1 to 75 items"]
    for each in (item for items in arrays.values() for item in items):
        found += _person(each)
        found += ["over 50 KB"] if len(json.dumps(each)) > 51_200 else []
    found += [problem for each in arrays["attributes"] for problem in _attributes(each)]
    found += [problem for each in arrays["events"] for problem in _event(each)]
    return found + [problem for each in arrays["purchases"] for problem in _purchase(each)]


def _person(item: dict[str, Any]) -> list[str]:
    alias = item.get("user_alias", {})
    known = bool(item.get("external_id")) != (alias.keys() == {"alias_name", "alias_label"})
    return [] if known and ("external_id" in item or item["_update_existing_only"] is False) else ["person"]


def _attributes(item: dict[str, Any]) -> list[str]:
    found = [] if item.keys() - PERSON else ["no attributes"]
    found += [] if item.get("gender", "M") in ("M", "F", "O", "N", "P") else ["gender"]
    found += [] if re.fullmatch(r"\d{4}-\d\d-\d\d", item.get("dob", "1990-01-01")) else ["dob"]
    found += [] if re.fullmatch(r"\+\d{8,15}", item.get("phone", "+4930901820")) else ["phone"]
    found += [] if re.fullmatch(r"[^@\s]+@[^@\s]+", item.get("email", "a@b")) else ["email"]
    return found + list(_names(item)) + list(_texts(item))


def _event(item: dict[str, Any]) -> list[str]:
    name, properties = item["name"], item.get("properties", {})
    found = [f"unknown {name}" for name in item.keys() - PERSON - EVENT]
    found += [] if 1 <= len(name) <= 255 else ["name of the event"]
    found += [f"{name} without {each}" for each in SCHEMAS.get(name, ()) if each not in properties]
    if name in SCHEMAS:
        found += [] if re.fullmatch("[A-Z]{3}", properties["currency"]) else ["currency"]
        products = properties.get("products", [{**properties, "quantity": 1}])
        found += [f"no {key}" for each in products for key in (*PRODUCT, "quantity") if key not in each]
        found += ["price"] if any(not isinstance(each["price"], int | float) for each in products) else []
    return found + _time(item) + list(_names(properties)) + list(_texts(properties))


def _purchase(item: dict[str, Any]) -> list[str]:
    found = [f"unknown {name}" for name in item.keys() - PERSON - PURCHASE]
    found += [] if 1 <= len(item["product_id"]) <= 255 else ["product_id"]
    found += [] if re.fullmatch("[A-Z]{3}", item["currency"]) else ["currency"]
    found += [] if isinstance(item["price"], int | float) else ["price"]
    found += [] if isinstance(item["quantity"], int) and 1 <= item["quantity"] <= 100 else ["quantity"]
    return found + _time(item) + list(_names(item.get("properties", {})))


def _time(item: dict[str, Any]) -> list[str]:
    return [] if datetime.fromisoformat(item["time"]).tzinfo else ["time"]


def _names(properties: dict[str, Any]) -> Iterator[str]:
    yield from (name for name in properties if not 1 <= len(name) <= 255 or name.startswith("$"))


def _texts(properties: dict[str, Any]) -> Iterator[str]:
    yield from (name for name, each in properties.items() if isinstance(each, str) and len(each) > 255)
