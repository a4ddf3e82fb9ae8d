"""
A stand-in of TikTok: the rules of the documents of Events API 2.0, for whole requests as TikTok judges them.

https://business-api.tiktok.com/portal/docs?id=1771101303285761. TikTok answers 200, with a code in the body.
"""

import json
import re
from typing import Any

from gateway.destinations.packing import Request

URL = "https://business-api.tiktok.com/open_api/v1.3/event/track/"
HASHED = ("email", "phone", "external_id", "first_name", "last_name", "zip_code")
PLAIN = ("ip", "user_agent", "locale", "ttclid", "ttp", "idfa", "idfv", "gaid", "country")
EVENT = {"event", "event_time", "event_id", "user", "page", "properties", "limited_data_use"}
PROPERTIES = {
    *("value", "currency", "order_id", "search_string", "contents", "content_type", "content_ids"),
    "num_items",
}
CONTENT = {"price", "quantity", "content_id", "content_name", "content_category", "brand"}


def broken(request: Request) -> list[str]:
    """Return the rules that a request breaks; one of them has all of it refused."""
    body = json.loads(request.body)
    found = [] if request.call.url == URL and request.call.headers.get("Access-Token") else ["no token"]
    found += [f"unknown member {name}" for name in body.keys() - MEMBERS]
    found += [] if body["event_source"] in ("web", "app", "offline", "crm") else ["event_source"]
    found += [] if body["event_source_id"] else ["event_source_id"]
    found += [] if 1 <= len(body["data"]) <= 1000 else ["not 1 to 1,000 events"]
    return found + [problem for event in body["data"] for problem in _event(event, body["event_source"])]


MEMBERS = {"event_source", "event_source_id", "test_event_code", "data"}


def _event(event: dict[str, Any], source: str) -> list[str]:
    found = [f"unknown member {name}" for name in event.keys() - EVENT]
    found += [] if isinstance(event["event"], str) else ["event"]
    found += [] if isinstance(event["event_time"], int) and event["event_time"] < 10**10 else ["event_time"]
    found += [] if isinstance(event["event_id"], str) else ["event_id"]
    found += [] if source != "web" or event.get("page", {}).get("url") else ["no page.url"]
    user = event.get("user", {})
    found += [f"unknown user.{name}" for name in user.keys() - {*HASHED, *PLAIN, "city", "state"}]
    for name in HASHED:
        values = user.get(name, [])
        for value in values if isinstance(values, list) else [values]:
            found += [] if re.fullmatch("[0-9a-f]{64}", value) else [f"{name} is not hashed"]
    for name in ("city", "state", "country"):
        found += [] if re.fullmatch("[a-z0-9]+", user.get(name, "x")) else [name]
    properties = event.get("properties", {})
    found += [f"unknown properties.{name}" for name in properties.keys() - PROPERTIES]
    found += [] if isinstance(properties.get("value", 0), int | float) else ["value"]
    found += [] if re.fullmatch("[A-Z]{3}", properties.get("currency", "EUR")) else ["currency"]
    found += [] if properties.get("content_type", "product") in ("product", "product_group") else ["type"]
    for content in properties.get("contents", []):
        found += [f"unknown contents.{name}" for name in content.keys() - CONTENT]
        found += [] if isinstance(content.get("content_id", ""), str) else ["content_id"]
        found += [] if isinstance(content.get("price", 0), int | float) else ["price"]
        found += [] if isinstance(content.get("quantity", 0), int) else ["quantity"]
    return found
