"""
A stand-in of HubSpot: the rules of its documents for custom events and for contacts.

https://developers.hubspot.com/docs/api-reference: events-send-event-completions-v3, crm objects contacts.
"""

import json
import re
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.destinations.packing import Request
from tests.destinations.rates import Rate

EVENT = {"eventName", "email", "utk", "objectId", "uuid", "occurredAt", "properties"}
CONTACT = {
    *("firstname", "lastname", "phone", "company", "jobtitle", "address", "city", "state", "country", "zip"),
    *("website", "lifecyclestage"),
}


RATES = [
    Rate("/events/v3/send/batch", 1250, 1),
    Rate("/crm/v3/objects/contacts/batch/upsert", 100, 10),
]


def broken(request: Request) -> list[str]:
    """Return the rules that a request breaks."""
    body = json.loads(request.body)
    found = [] if re.fullmatch("Bearer .+", request.call.headers.get("Authorization", "")) else ["token"]
    found += [] if body.keys() == {"inputs"} else ["members of the body"]
    inputs = body["inputs"]
    if request.call.url == "https://api.hubapi.com/events/v3/send/batch":
        found += [] if 1 <= len(inputs) <= 500 else ["not 1 to 500 events"]
        return found + [problem for each in inputs for problem in _event(each)]
    found += [] if request.call.url.endswith("/crm/v3/objects/contacts/batch/upsert") else ["url"]
    found += [] if 1 <= len(inputs) <= 100 else ["not 1 to 100 contacts"]
    found += [] if len({each["id"] for each in inputs}) == len(inputs) else ["a contact twice"]
    return found + [problem for each in inputs for problem in _contact(each)]


def _event(event: dict[str, Any]) -> list[str]:
    found = [f"unknown {name}" for name in event.keys() - EVENT]
    found += [] if re.fullmatch(r"pe\d+_[a-z][a-z0-9_-]{0,49}", event["eventName"]) else ["eventName"]
    found += [] if {"email", "utk", "objectId"} & event.keys() else ["no contact"]
    found += [] if datetime.fromisoformat(event["occurredAt"]) and UUID(event["uuid"]) else ["time or uuid"]
    properties = event.get("properties", {})
    found += [] if len(properties) <= 50 else ["over 50 properties"]
    found += [name for name in properties if not re.fullmatch("[a-z][a-z0-9_]{0,49}", name)]
    return found + [name for name, each in properties.items() if isinstance(each, dict | list)]


def _contact(contact: dict[str, Any]) -> list[str]:
    found = [] if contact.keys() == {"id", "idProperty", "properties"} else ["members of a contact"]
    found += [] if contact["idProperty"] == "email" and "@" in contact["id"] else ["id"]
    found += [f"unknown {name}" for name in contact["properties"].keys() - CONTACT]
    return found + [name for name, each in contact["properties"].items() if not isinstance(each, str)]
