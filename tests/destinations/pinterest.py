"""
A stand-in of Pinterest: the schema of the Conversions API, github.com/pinterest/api-description 5.23.0.

Nearly all of its objects take no other members than those named here.
"""

import json
import re
from typing import Any

from gateway.destinations.packing import Request

NAMES = {
    *("add_payment_info", "add_to_cart", "add_to_wishlist", "app_install", "app_open", "checkout", "contact"),
    *("custom", "initiate_checkout", "lead", "page_visit", "search", "signup", "subscribe", "view_category"),
    *("view_content", "watch_video"),
}
HASHED = {"em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country", "external_id", "hashed_maids"}
USER = {*HASHED, "client_ip_address", "client_user_agent", "click_id"}
EVENT = {
    *("event_name", "event_time", "event_id", "action_source", "event_source_url", "opt_out", "user_data"),
    *("custom_data", "app_id", "app_name", "app_version", "device_brand", "device_carrier", "device_model"),
    *("device_type", "os_version", "language"),
}
REQUIRED = {"event_name", "event_time", "event_id", "action_source", "user_data"}
TEXTS = {
    "value",
    "currency",
    "content_name",
    "content_category",
    "content_brand",
    "order_id",
    "search_string",
}
CUSTOM = {*TEXTS, "contents", "content_ids", "num_items"}
CONTENT_TEXTS = {"id", "item_name", "item_category", "item_brand", "item_price"}


def broken(request: Request, now: float = 1767268860) -> list[str]:
    """Return the rules that a request breaks."""
    body = json.loads(request.body)
    call = request.call
    found = (
        [] if re.fullmatch(r"https://api\.pinterest\.com/v5/ad_accounts/\d+/events", call.url) else ["url"]
    )
    found += [] if call.headers.get("Authorization", "").startswith("Bearer ") else ["no token"]
    found += [] if call.query in ({}, {"test": "true"}) else ["query"]
    found += [] if body.keys() == {"data"} and 1 <= len(body["data"]) <= 1000 else ["not 1 to 1,000 events"]
    return found + [problem for event in body["data"] for problem in _event(event, now)]


def _event(event: dict[str, Any], now: float) -> list[str]:
    found = [f"no {name}" for name in REQUIRED - event.keys()]
    found += [f"unknown member {name}" for name in event.keys() - EVENT]
    found += [] if event["event_name"] in NAMES else [f"event name {event['event_name']}"]
    found += [] if event["action_source"] in ("web", "offline", "app_ios", "app_android") else ["source"]
    found += [] if now - 90 * 86400 <= event["event_time"] <= now else ["event_time"]
    found += [] if re.fullmatch("[a-z]{2}", event.get("language", "de")) else ["language"]
    user = event["user_data"]
    found += [f"unknown user_data.{name}" for name in user.keys() - USER]
    pair = {"client_ip_address", "client_user_agent"} <= user.keys()
    found += [] if pair or "em" in user or "hashed_maids" in user else ["weak user_data"]
    for name in HASHED & user.keys():
        hashes = isinstance(user[name], list) and all(re.fullmatch("[0-9a-f]{64}", v) for v in user[name])
        found += [] if hashes else [f"{name} is no list of hashes"]
    return found + _custom(event.get("custom_data", {}))


def _custom(custom: dict[str, Any]) -> list[str]:
    found = [f"unknown custom_data.{name}" for name in custom.keys() - CUSTOM]
    found += [f"{name} is no text" for name in TEXTS & custom.keys() if not isinstance(custom[name], str)]
    found += [] if re.fullmatch("[A-Z]{3}", custom.get("currency", "EUR")) else ["currency"]
    found += [] if re.fullmatch(r"-?[0-9.]+", custom.get("value", "1")) else ["value is no number"]
    found += [] if isinstance(custom.get("num_items", 0), int) else ["num_items"]
    found += [] if all(isinstance(each, str) for each in custom.get("content_ids", [])) else ["content_ids"]
    for content in custom.get("contents", []):
        found += [f"unknown contents.{name}" for name in content.keys() - {*CONTENT_TEXTS, "quantity"}]
        found += [
            f"{name}: no text" for name in CONTENT_TEXTS & content.keys() if type(content[name]) is not str
        ]
        found += [] if isinstance(content.get("quantity", 0), int) else ["quantity"]
    return found
