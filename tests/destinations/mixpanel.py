"""
A stand-in of Mixpanel: what /import?strict=1, /engage and /groups take, by their documents.

https://docs.mixpanel.com/reference: import events, event deduplication, profiles, groups.
"""

import json
import re
from base64 import b64decode
from typing import Any

from gateway.destinations.packing import Request

HOST = r"https://api(-eu|-in)?\.mixpanel\.com"
NOBODY = {"anonymous", "none", "null", "undefined", "unknown", "0", "-1", "true", "[]", "{}"}
ZERO = "00000000-0000-0000-0000-000000000000"
INSERT_ID = re.compile(r"[A-Za-z0-9-]{1,36}")


def broken(request: Request, now: float = 1767268860) -> list[str]:
    """Return the rules that a request breaks."""
    items = json.loads(request.body)
    url, query = request.call.url, request.call.query
    found = [] if query.get("strict") == "1" else ["not strict"]
    if re.fullmatch(f"{HOST}/import", url):
        scheme, _, login = request.call.headers["Authorization"].partition(" ")
        found += [] if scheme == "Basic" and b64decode(login).endswith(b":") else ["no login"]
        found += [] if 1 <= len(items) <= 2000 else ["not 1 to 2,000 events"]
        return found + [problem for event in items for problem in _event(event, now)]
    found += [] if 1 <= len(items) <= 2000 else ["not 1 to 2,000 profiles"]
    found += [] if re.fullmatch(f"{HOST}/(engage|groups)", url) else ["url"]
    if url.endswith("/engage"):
        found += [] if query.get("ip") == "0" else ["the place of the gateway"]
        required = {"$token", "$distinct_id", "$set"}
    else:
        required = {"$token", "$group_key", "$group_id", "$set"}
    for item in items:
        found += [f"no {name}" for name in required - item.keys()]
        found += [f"unknown member {name}" for name in item.keys() - required - {"$ip"}]
        found += [] if item.get("$distinct_id", "x").lower() not in NOBODY else ["$distinct_id"]
    return found


def _event(event: dict[str, Any], now: float) -> list[str]:
    found = [] if event.keys() == {"event", "properties"} and event["event"] else ["members"]
    properties = event["properties"]
    found += [] if isinstance(properties["time"], int) else ["time"]
    found += [] if 31_536_000_000 <= properties["time"] <= (now + 3600) * 1000 else ["time out of range"]
    found += [] if INSERT_ID.fullmatch(properties["$insert_id"]) else ["$insert_id"]
    for name in ("distinct_id", "$insert_id"):
        value = properties[name]
        found += [] if isinstance(value, str) and value.lower() not in {*NOBODY, ZERO} else [name]
    found += [] if len(properties) < 255 else ["too many properties"]
    return found
