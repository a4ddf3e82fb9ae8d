"""
A stand-in of Klaviyo: the rules of its OpenAPI files, for jobs of events and for single profiles.

https://github.com/klaviyo/openapi: bulk_create_events.json, create_or_update_profile.json.
"""

import json
import re
from datetime import datetime
from typing import Any

from gateway.destinations.packing import Request
from tests.destinations.rates import Rate

PROFILE = {
    *("email", "phone_number", "external_id", "anonymous_id", "first_name", "last_name", "organization"),
    *("title", "image", "locale", "location", "properties"),
}
IDS = ("email", "phone_number", "external_id", "anonymous_id")
LOCATION = {"address1", "address2", "city", "region", "zip", "country", "timezone"}
EVENT = {"properties", "time", "value", "value_currency", "unique_id", "metric"}
NOW = datetime.fromisoformat("2026-01-01T12:01:00Z")


RATES = [
    Rate("/api/profile-import", 75, 1),
    Rate("/api/profile-import", 700, 60),
    Rate("/api/event-bulk-create-jobs", 10, 1),
    Rate("/api/event-bulk-create-jobs", 150, 60),
]


def broken(request: Request) -> list[str]:
    """Return the rules that a request breaks."""
    headers, body = request.call.headers, json.loads(request.body)
    found = [] if re.fullmatch("Klaviyo-API-Key .+", headers.get("Authorization", "")) else ["Authorization"]
    found += [] if re.fullmatch(r"20\d\d-\d\d-\d\d", headers.get("revision", "")) else ["revision"]
    if request.call.url.endswith("/api/profile-import"):
        return found + _profile(body["data"])
    found += [] if request.call.url.endswith("/api/event-bulk-create-jobs") else ["url"]
    found += ["body too large"] if len(request.body) > 5_000_000 else []
    found += [] if body["data"]["type"] == "event-bulk-create-job" else ["type of the job"]
    entries = body["data"]["attributes"]["events-bulk-create"]["data"]
    found += [] if 1 <= len(entries) <= 1000 else ["not 1 to 1,000 events"]
    return found + [problem for entry in entries for problem in _entry(entry)]


def _entry(entry: dict[str, Any]) -> list[str]:
    attributes = entry["attributes"]
    found = [] if entry["type"] == "event-bulk-create" else ["type of an entry"]
    found += [f"unknown {name}" for name in attributes.keys() - {"backfill", "profile", "events"}]
    found += _profile(attributes["profile"]["data"])
    return found + [problem for event in attributes["events"]["data"] for problem in _event(event)]


def _event(event: dict[str, Any]) -> list[str]:
    attributes = event["attributes"]
    metric, properties = attributes["metric"]["data"], attributes["properties"]
    found = [] if (event["type"], metric["type"]) == ("event", "metric") else ["types"]
    found += [f"unknown {name}" for name in attributes.keys() - EVENT]
    found += [] if 1 <= len(metric["attributes"]["name"]) < 128 else ["name of the metric"]
    found += [] if isinstance(properties, dict) and len(properties) <= 400 else ["properties"]
    found += (
        ["a text of over 100 KB"] if any(len(str(each)) > 100_000 for each in properties.values()) else []
    )
    found += [] if isinstance(attributes.get("unique_id"), str) else ["unique_id"]
    found += [] if isinstance(attributes.get("value", 0), int | float) else ["value"]
    found += [] if re.fullmatch("[A-Z]{3}", attributes.get("value_currency", "EUR")) else ["value_currency"]
    time = datetime.fromisoformat(attributes["time"])
    return found + ([] if time.year >= 2000 and (time - NOW).days <= 365 else ["time"])


def _profile(profile: dict[str, Any]) -> list[str]:
    attributes = profile["attributes"]
    found = [] if profile["type"] == "profile" else ["type of a profile"]
    found += [f"unknown {name}" for name in attributes.keys() - PROFILE]
    found += [f"unknown {name}" for name in attributes.get("location", {}).keys() - LOCATION]
    found += [] if any(attributes.get(name) for name in IDS) else ["a profile without an id"]
    found += [] if re.fullmatch(r"[^@\s]+@[^@\s]+", attributes.get("email", "a@b")) else ["email"]
    found += (
        [] if re.fullmatch(r"\+[1-9]\d{7,14}", attributes.get("phone_number", "+4930901820")) else ["phone"]
    )
    return found + ([] if len(attributes.get("external_id", "")) <= 255 else ["external_id"])
