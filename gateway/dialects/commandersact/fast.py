"""
An event of version 2.0 in the shape that most have: one from a page or a server, with nothing amiss.

It takes half the time of the careful road (reading.py), which every other event takes and which would
make the same of it; the order of the fields within `context` aside.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from gateway.dialects.commandersact import address
from gateway.dialects.commandersact.consent import take_consent
from gateway.dialects.commandersact.names import OUR_USER, give_name, to_traits
from gateway.dialects.commandersact.round_trip import RoundTrip
from gateway.dialects.commandersact.versions import Fields
from gateway.message import Message
from gateway.raw import objects, timestamps, values

_Text = Annotated[str, Meta(min_length=1)]
_Maybe = _Text | UnsetType
_Verbatim = Raw | UnsetType


class Viewport(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    width: Raw
    height: Raw


class Page(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    title: _Verbatim = UNSET
    url: _Maybe = UNSET
    lang: _Maybe = UNSET
    referrer: _Verbatim = UNSET
    viewport: Viewport | UnsetType = UNSET
    path: _Verbatim = UNSET
    search: _Verbatim = UNSET
    hash: _Verbatim = UNSET


class Device(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    user_agent: _Maybe = UNSET
    ip: _Maybe = UNSET
    lang: _Maybe = UNSET
    timezone: _Maybe = UNSET
    cookie: _Verbatim = UNSET


class Context(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    event_id: _Text
    event_timestamp: Raw
    page: Page | UnsetType = UNSET
    device: Device | UnsetType = UNSET
    app: _Verbatim = UNSET
    campaign: _Verbatim = UNSET
    generator_version: _Verbatim = msgspec.field(default=UNSET, name="generatorVersion")
    container_version: _Verbatim = msgspec.field(default=UNSET, name="containerVersion")


class Screen(msgspec.Struct, rename="camel", gc=False):
    inner_width: Raw
    inner_height: Raw


class OurDevice(msgspec.Struct, gc=False):
    cookie: Raw


class OurContext(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    page: Page | UnsetType = UNSET
    user_agent: _Maybe = UNSET
    ip: _Maybe = UNSET
    locale: _Maybe = UNSET
    timezone: _Maybe = UNSET
    device: OurDevice | UnsetType = UNSET
    screen: Screen | UnsetType = UNSET
    consent: dict[str, Any] | UnsetType = UNSET
    traits: dict[str, Any] | UnsetType = UNSET
    app: _Verbatim = UNSET
    campaign: _Verbatim = UNSET
    generator_version: _Verbatim = UNSET
    container_version: _Verbatim = UNSET


_EMPTY_PAGE, _EMPTY_DEVICE = Page(), Device()
_SCREEN = ("context.screen.innerWidth", "context.screen.innerHeight")
_DIGITS = 13  # of milliseconds between 2001 and 2286

_text = msgspec.json.Decoder(_Text).decode
_context = msgspec.json.Decoder(Context).decode


def read(event: Fields) -> Message | None:
    """What an event claims; None if it is in another shape."""
    properties = {**event}
    try:
        name = _text(properties.pop("event_name"))
        user = objects.read(properties.pop("user"))
        context = _context(properties.pop("context"))
        anonymous_id = _text(user.pop("consistent_anonymous_id"))
        user_id = _text(user.pop("id")) if "id" in user else None
    except (KeyError, *values.UNDECODABLE):
        return None
    time = bytes(context.event_timestamp)
    digits = time.strip(b'"')
    if len(digits) != _DIGITS or not digits.isdigit() or "event_timestamp" in properties:
        return None
    notes = RoundTrip(odd=not OUR_USER.isdisjoint(user))
    ours = _to_ours(context, notes.derived)
    if notes.odd or ours is None:
        return None
    if time == digits:  # a number
        notes.keep(context.event_timestamp, "context", "event_timestamp")
    message = Message(
        type="track",
        message_id=context.event_id,
        user_id=user_id,
        anonymous_id=anonymous_id,
        properties=Raw(objects.write(properties)),
        channel="browser" if context.page else "mobile" if context.app else "server",
        timestamp=timestamps.write(int(digits)),
        consent_is_canonical=True,
    )
    give_name(message, name, properties)
    ours.consent = take_consent(user, message, notes)
    if user:
        ours.traits = to_traits(user)
    message.context = Raw(objects.write(ours))
    message.native = notes.native(event)
    return message


def _to_ours(context: Context, derived: list[str]) -> OurContext | None:
    """Our context, but for the person's part in it; what was made from other fields is added to `derived`."""
    page, device = context.page, context.device
    if page == _EMPTY_PAGE or device == _EMPTY_DEVICE:
        return None
    ours = OurContext(
        page,
        app=context.app,
        campaign=context.campaign,
        generator_version=context.generator_version,
        container_version=context.container_version,
    )
    if device:
        ours.user_agent = device.user_agent
        ours.ip = device.ip
        ours.locale = device.lang
        ours.timezone = device.timezone
        if device.cookie is not UNSET:
            ours.device = OurDevice(device.cookie)
    if page:
        if page.url:
            for part, value, place in address.parts(page.url):
                if getattr(page, part) is UNSET:
                    setattr(page, part, value)
                    derived.append(place)
        if page.lang and not ours.locale:
            ours.locale = page.lang
            derived.append("context.locale")
        if page.viewport:
            ours.screen = Screen(page.viewport.width, page.viewport.height)
            derived += _SCREEN
    return ours
