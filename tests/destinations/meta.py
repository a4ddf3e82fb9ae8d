"""
A stand-in of Meta: the rules of the Conversions API's documents, for whole requests as Meta judges them.

https://developers.facebook.com/docs/marketing-api/conversions-api: using the API, parameters, best practices.
"""

import json
import re
from typing import Any

from gateway.destinations.packing import Request

HASHED = ("em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country", "external_id")
WEAK = (
    {"ct", "country", "st", "zp", "ge", "client_user_agent"},
    {"db", "client_user_agent"},
    {"fn", "ge"},
    {"ln", "ge"},
)
EVENT = {
    *("event_name", "event_time", "event_id", "event_source_url", "referrer_url", "action_source", "opt_out"),
    *("user_data", "custom_data", "data_processing_options", "data_processing_options_country"),
    "data_processing_options_state",
}
SOURCES = ("email", "website", "app", "phone_call", "chat", "physical_store", "system_generated", "other")


def broken(request: Request, now: float = 1767268860) -> list[str]:
    """Return the rules that a request breaks; one of them has all of it refused."""
    body = json.loads(request.body)
    found = [] if body.get("access_token") else ["no access_token"]
    found += (
        [] if re.fullmatch(r"https://graph\.facebook\.com/v\d+\.\d/\d+/events", request.call.url) else ["url"]
    )
    found += [] if 1 <= len(body["data"]) <= 1000 else ["not 1 to 1,000 events"]
    found += [f"unknown member {name}" for name in body.keys() - {"access_token", "data", "test_event_code"}]
    return found + [problem for event in body["data"] for problem in _event(event, now)]


def _event(event: dict[str, Any], now: float) -> list[str]:
    found = [f"no {name}" for name in ("event_name", "event_time", "action_source") if name not in event]
    found += [f"unknown member {name}" for name in event.keys() - EVENT]
    days = 62 if event["action_source"] == "physical_store" else 7
    found += [] if now - days * 86400 <= event["event_time"] <= now + 60 else ["event_time"]
    found += [] if event["action_source"] in SOURCES else ["action_source"]
    user = event.get("user_data", {})
    if event["action_source"] == "website":
        found += [] if "event_source_url" in event and "client_user_agent" in user else ["website"]
    found += ["weak user_data"] if not user or any(user.keys() <= weak for weak in WEAK) else []
    for name in HASHED:
        values = user.get(name, [])
        for value in values if isinstance(values, list) else [values]:
            found += [] if re.fullmatch("[0-9a-f]{64}", value) else [f"{name} is not hashed"]
    for name, pattern in (("fbc", r"fb\.\d\.\d{13}\..+"), ("fbp", r"fb\.\d\.\d+\.\d+(\..+)?")):
        found += [] if name not in user or re.fullmatch(pattern, user[name]) else [name]
    custom = event.get("custom_data", {})
    if event["event_name"] == "Purchase":
        found += [f"Purchase without {name}" for name in ("value", "currency") if name not in custom]
    found += [] if re.fullmatch("[A-Z]{3}", custom.get("currency", "EUR")) else ["currency"]
    found += [] if isinstance(custom.get("value", 0), int | float) else ["value"]
    found += [] if all("id" in content for content in custom.get("contents", [])) else ["contents"]
    return found + ([] if isinstance(custom.get("content_ids", []), list) else ["content_ids"])
