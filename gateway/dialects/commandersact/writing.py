"""From a canonical event back to one of Commanders Act, version 2.0, for the sink that sends it there."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from gateway.dialects.commandersact.names import ADDRESS, CONTEXT, DEVICE, TRAITS
from gateway.dialects.commandersact.versions import Fields
from gateway.raw import objects, timestamps, truth, values

_FROM_TRAITS, _FROM_ADDRESS, _FROM_DEVICE = (
    {canonical: name for name, canonical in table.items()} for table in (TRAITS, ADDRESS, DEVICE)
)
_RESERVED = {"event_name", "user", "context", "event_timestamp"}
_NULL = Raw(b"null")


def to_commandersact(line: bytes) -> bytes:
    """
    Return a canonical line as an event of version 2.0. Raises msgspec.DecodeError or KeyError for others.

    An event that arrived as version 2.0 gets all its fields back, though not in their order. Others lose the
    sending time, `integrations` and `extras`, and events of version 1.0 also lose those properties that have
    another meaning at the root.
    """
    event = objects.read(line)
    native = objects.fields(event.get("native")) or {}
    if "event" in native:
        return bytes(native["event"])
    derived = set(objects.entries(native.get("derived")))
    context = _without(derived, "context.", objects.read(event["context"]))
    found = _properties(event)
    user = _user(event, derived, context)
    if user:
        found["user"] = user
    inner = _context(event, derived, context)
    if inner:
        found["context"] = inner
    _patch(found, objects.fields(native.get("sent")) or {})
    return objects.write(found)


def _without(derived: set[str], prefix: str, fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if prefix + name not in derived}


def _properties(event: Fields) -> dict[str, Any]:
    properties = objects.read(event["properties"])
    found: dict[str, Any] = {}
    type = values.text(event["type"])
    if type in ("page", "screen"):
        found["event_name"] = "page_view"
    elif "event" in event:
        found["event_name"] = event["event"]
    elif type != "track":
        found["event_name"] = type
    found.update((name, value) for name, value in properties.items() if name not in _RESERVED)
    if "name" in event:
        found.setdefault("page_name", event["name"])
    if "category" in event and values.text(event["category"]) != values.find_text(properties.get("type")):
        found.setdefault("page_type", event["category"])
    found.update((name, event[name]) for name in ("groupId", "previousId") if name in event)
    return found


def _user(event: Fields, derived: set[str], context: Fields) -> dict[str, Any]:
    user: dict[str, Any] = {}
    if "userId" in event:
        user["id"] = event["userId"]
    if "anonymousId" in event and "anonymousId" not in derived:
        user["consistent_anonymous_id"] = event["anonymousId"]
    traits = objects.read(event["traits"]) | (objects.fields(context.pop("traits", None)) or {})
    for name, value in traits.items():
        address = objects.fields(value) if name == "address" else None
        if address is None:
            user[_FROM_TRAITS.get(name, name)] = value
            continue
        left = {part: value for part, value in address.items() if part not in _FROM_ADDRESS}
        user.update((_FROM_ADDRESS[part], value) for part, value in address.items() if part not in left)
        if left:
            user["address"] = left
    consent = objects.fields(context.pop("consent", None)) or {}
    preferences = objects.fields(consent.get("categoryPreferences")) or {}
    if "granted" in consent:
        user["consent_categories"] = consent["granted"]
    elif preferences:
        user["consent_categories"] = [name for name, said in preferences.items() if truth.read(said)]
    for name, canonical in (("consentID", "consentId"), ("refused_vendors", "refusedVendors")):
        if canonical in consent:
            user[name] = consent[canonical]
    return user


def _context(event: Fields, derived: set[str], context: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "messageId" not in derived:
        found["event_id"] = event["messageId"]
    if "timestamp" not in derived:
        # As it was sent, even if `timestamp` was corrected or not believed.
        instant = timestamps.read_ours(values.find_text(event.get("originalTimestamp")) or "")
        found["event_timestamp"] = str(instant or timestamps.read(values.text(event["timestamp"]) or ""))
    page = objects.fields(context.get("page"))
    if page is not None:
        context["page"] = Raw(objects.write(_without(derived, "context.page.", page)))
    device = {name: context.pop(canonical) for name, canonical in CONTEXT.items() if canonical in context}
    screen = objects.fields(device.get("screen"))
    if screen:
        sent = _without(derived, "context.screen.", screen)
        device["screen"] = Raw(objects.write(sent))
        if not sent:
            del device["screen"]
    left = objects.fields(context.get("device"))
    if left is not None:
        device.update((_FROM_DEVICE.get(name, name), value) for name, value in left.items())
    if left is not None or (device and "device" not in context):
        context["device"] = Raw(objects.write(device))
    found.update(context)
    return found


def _patch(target: dict[str, Any], patch: Mapping[str, Raw]) -> None:
    """Apply a JSON merge patch (RFC 7396) to `target` in place."""
    for name, value in patch.items():
        below = objects.fields(value)
        if value == _NULL:
            target.pop(name, None)
        elif below is None:
            target[name] = value
        else:
            inner = target.get(name)
            if not isinstance(inner, dict):
                inner = dict(objects.fields(inner) or {}) if isinstance(inner, Raw) else {}
            target[name] = inner
            _patch(inner, below)
