"""
A stand-in of Snap: the rules of the documents of Conversions API 3, for whole requests.

https://developers.snap.com/api/marketing-api/Conversions-API: using the API, parameters, verify set up.
"""

import json
import re
from typing import Any

from gateway.destinations.packing import Request

HASHED = ("em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country", "external_id")
PLAIN = ("client_ip_address", "client_user_agent", "madid", "sc_click_id", "sc_cookie1")
NAMES = {
    *("ACHIEVEMENT_UNLOCKED", "ADD_BILLING", "ADD_CART", "ADD_TO_WISHLIST", "AD_CLICK", "AD_VIEW"),
    *("APP_INSTALL", "APP_OPEN", "COMPLETE_TUTORIAL", "INVITE", "LEVEL_COMPLETE", "LIST_VIEW", "LOGIN"),
    *("PAGE_VIEW", "PURCHASE", "RATE", "RESERVE", "SAVE", "SEARCH", "SHARE", "SIGN_UP", "SPENT_CREDITS"),
    *("START_CHECKOUT", "START_TRIAL", "SUBSCRIBE", "VIEW_CONTENT"),
    *(f"CUSTOM_EVENT_{number}" for number in range(1, 6)),
}
EVENT = {
    *(
        "event_name",
        "event_time",
        "event_id",
        "action_source",
        "event_source_url",
        "user_data",
        "custom_data",
    ),
    *("app_data", "data_processing_options", "data_processing_options_country"),
    "data_processing_options_state",
}
CUSTOM = {
    *("value", "currency", "order_id", "search_string", "content_ids", "content_category", "brands"),
    *("num_items", "sign_up_method"),
}


def broken(request: Request, now: float = 1767268860) -> list[str]:
    """Return the rules that a request breaks; one of them has all of it refused."""
    body = json.loads(request.body)
    address = r"https://tr\.snapchat\.com/v3/[0-9a-f-]+/events(/validate)?"
    found = [] if re.fullmatch(address, request.call.url) else ["url"]
    found += [] if request.call.query.get("access_token") else ["no access_token"]
    found += [] if body.keys() == {"data"} and 1 <= len(body["data"]) <= 2000 else ["not 1 to 2,000 events"]
    return found + [problem for event in body["data"] for problem in _event(event, now)]


def _event(event: dict[str, Any], now: float) -> list[str]:
    found = [f"no {name}" for name in ("event_name", "event_time", "action_source") if name not in event]
    found += [f"unknown member {name}" for name in event.keys() - EVENT]
    found += [] if event["event_name"] in NAMES else [f"event name {event['event_name']}"]
    found += [] if now - 37 * 86400 <= event["event_time"] <= now else ["event_time"]
    source = event["action_source"]
    found += [] if source in ("website", "app", "OFFLINE") else ["action_source"]
    found += [] if source != "website" or "event_source_url" in event else ["no event_source_url"]
    if source == "app":
        extinfo = event["app_data"]["extinfo"]
        found += [] if len(extinfo) == 16 and extinfo[0] in ("i2", "a2") else ["extinfo"]
        found += [] if event["app_data"]["advertiser_tracking_enabled"] in (0, 1) else ["tracking"]
    user = event["user_data"]
    found += [f"unknown user_data.{name}" for name in user.keys() - {*HASHED, *PLAIN}]
    pair = {"client_ip_address", "client_user_agent"} <= user.keys()
    found += [] if pair or {"em", "ph", "madid"} & user.keys() else ["insufficient PII"]
    for name in HASHED:
        values = user.get(name, [])
        for value in values if isinstance(values, list) else [values]:
            found += [] if re.fullmatch("[0-9a-f]{64}", value) else [f"unhashed PII {name}"]
    found += [] if "." in user.get("client_ip_address", ".") else ["hashed IP address"]
    custom = event.get("custom_data", {})
    found += [f"unknown custom_data.{name}" for name in custom.keys() - CUSTOM]
    if event["event_name"] == "PURCHASE":
        found += [f"PURCHASE without {name}" for name in ("value", "currency") if name not in custom]
    found += [] if re.fullmatch("[A-Z]{3}", custom.get("currency", "EUR")) else ["currency"]
    found += [] if isinstance(custom.get("value", 0), int | float) else ["value"]
    return found + ([] if isinstance(custom.get("num_items", 0), int) else ["num_items"])
