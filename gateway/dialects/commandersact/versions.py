"""The two versions of an event, and how each is taken apart in the words of version 2.0."""

import msgspec
from msgspec import Raw

from gateway.raw import objects

Fields = dict[str, Raw]

_ROOT_OF_V1 = frozenset(("event_id", "eventId", "page", "device"))


class Claim(msgspec.Struct):
    """An event of either version, taken apart in the words of version 2.0."""

    event: Fields | None
    """As it was sent, if that was version 2.0."""
    name: Raw | None
    user: Raw | None
    context: Fields
    properties: Fields
    extras: Fields
    root_time: Raw | None
    """The timestamp, where version 2.0 has it only by mistake."""
    version: str = ""
    has_context: bool = False
    odd: bool = False
    """Whether `context` is there and no object."""


def take(event: Fields) -> Claim:
    """Take an event apart, which stays as it is."""
    fields = {**event}
    context = objects.fields(fields.get("context"))
    if context is None and (
        objects.fields(fields.get("properties")) is not None or not _ROOT_OF_V1.isdisjoint(fields)
    ):
        return _take_v1(fields)
    given = fields.pop("context", None)
    name, user = fields.pop("event_name", None), fields.pop("user", None)
    root_time = fields.pop("event_timestamp", None)
    if context is None:
        return Claim(event, name, user, {}, fields, {}, root_time, odd=given is not None)
    return Claim(event, name, user, context, fields, {}, root_time, has_context=True)


def _take_v1(fields: Fields) -> Claim:
    name = fields.pop("event_name", None) or fields.pop("event", None)
    given = fields.pop("properties", None)
    properties = objects.fields(given)
    if properties is None:
        properties = {}
        if given is not None:
            fields["properties"] = given
    context: Fields = {}
    for there, here in (("event_id", "event_id"), ("eventId", "event_id")):
        if there in fields and here not in context:
            context[here] = fields.pop(there)
    time = fields.pop("event_timestamp", None) or properties.get("created")
    if time is not None:
        context["event_timestamp"] = time
    for each in ("page", "device", "app", "generatorVersion", "containerVersion"):
        if each in fields:
            context[each] = fields.pop(each)
    page = objects.fields(context.get("page"))
    if page and "location" in page and "url" not in page:
        page["url"] = page.pop("location")
        context["page"] = Raw(objects.write(page))
    fields.pop("version", None)
    return Claim(None, name, properties.pop("user", None), context, properties, fields, None, "v1")
