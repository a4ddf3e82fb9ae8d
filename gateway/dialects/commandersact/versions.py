"""The two versions of an event, both in the layout of version 2.0."""

import msgspec
from msgspec import Raw

from gateway.raw import objects, values

Fields = dict[str, Raw]

NOTHING = (None, Raw(b"null"), Raw(b'""'))
"""Values of a text field that carry no information."""

_ROOT_OF_V1 = frozenset(("event_id", "eventId", "page", "device"))


class Unified(msgspec.Struct):
    """An event of either version, in the layout of version 2.0."""

    original: Fields | None
    """The event as it was sent, if that was version 2.0."""
    name: Raw | None
    user: Raw | None
    context: Fields
    properties: Fields
    extras: Fields
    root_time: Raw | None
    """The timestamp at the root, where the documentation's example of a batch has it by mistake."""
    version: str = ""
    has_context: bool = False
    context_is_invalid: bool = False
    """True if `context` is present but not an object."""


def unify(event: Fields) -> Unified:
    """Return an event in the layout of version 2.0; `event` itself is not changed."""
    fields = {**event}
    context = objects.fields(fields.get("context"))
    if context is None and (
        objects.fields(fields.get("properties")) is not None or not _ROOT_OF_V1.isdisjoint(fields)
    ):
        return _unify_v1(fields)
    given = fields.pop("context", None)
    name, user = fields.pop("event_name", None), fields.pop("user", None)
    root_time = fields.pop("event_timestamp", None)
    if context is None:
        return Unified(event, name, user, {}, fields, {}, root_time, context_is_invalid=given is not None)
    return Unified(event, name, user, context, fields, {}, root_time, has_context=True)


def _unify_v1(fields: Fields) -> Unified:
    given = fields.pop("properties", None)
    properties = objects.fields(given)
    if properties is None:
        properties = {}
        if given is not None:
            fields["properties"] = given
    name = _pop_first(fields, "event_name", "event")
    context: Fields = {}
    event_id = _pop_first(fields, "event_id", "eventId")
    if event_id is not None:
        context["event_id"] = event_id
    time = fields.pop("event_timestamp", None)
    if time in NOTHING:
        time = properties.get("created", time)
    if time is not None:
        context["event_timestamp"] = time
    for each in ("page", "device", "app", "generatorVersion", "containerVersion"):
        if each in fields:
            context[each] = fields.pop(each)
    page = objects.fields(context.get("page"))
    if page and values.find_text(page.get("url")) is None and values.find_text(page.get("location")):
        page["url"] = page.pop("location")
        context["page"] = Raw(objects.write(page))
    fields.pop("version", None)
    return Unified(None, name, properties.pop("user", None), context, properties, fields, None, "v1")


def _pop_first(fields: Fields, *names: str) -> Raw | None:
    """Remove the fields of several names; return the first that has a meaningful value, else any of them."""
    given = [fields.pop(name) for name in names if name in fields]
    return next((value for value in given if value not in NOTHING), given[0] if given else None)
