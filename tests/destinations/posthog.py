"""
A stand-in of PostHog: what /batch/ keeps, by its documents. It answers 200 to whatever it drops.

https://posthog.com/docs/api/capture
"""

import json
import re
from typing import Any
from uuid import UUID

from gateway.destinations.packing import Request

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
REQUIRED = {
    "$groupidentify": ("$group_type", "$group_key"),
    "$create_alias": ("distinct_id", "alias"),
    "$screen": ("$screen_name",),
}


def broken(request: Request) -> list[str]:
    """Return the rules that a request breaks."""
    body = json.loads(request.body)
    found = [] if re.fullmatch(r"https?://[^/]+/batch/", request.call.url) else ["url"]
    found += [] if body.get("api_key") else ["no api_key"]
    found += [f"unknown member {name}" for name in body.keys() - {"api_key", "batch", "historical_migration"}]
    found += [] if body["batch"] and len(request.body) < 20_000_000 else ["size"]
    return found + [problem for event in body["batch"] for problem in _event(event)]


def _event(event: dict[str, Any]) -> list[str]:
    found = [f"unknown member {name}" for name in event.keys() - MEMBERS]
    found += [f"no {name}" for name in ("event", "distinct_id") if not event.get(name)]
    found += [] if str(UUID(event["uuid"])) == event["uuid"] else ["uuid"]
    found += [] if TIME.fullmatch(event["timestamp"]) else ["timestamp"]
    properties = event.get("properties", {})
    found += [] if "$ip" in properties or properties["$geoip_disable"] else ["the place of the gateway"]
    names = REQUIRED.get(event["event"], ())
    return found + [f"{event['event']} without {name}" for name in names if name not in properties]


MEMBERS = {"event", "distinct_id", "uuid", "timestamp", "properties"}
