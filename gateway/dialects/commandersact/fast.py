"""
The fast path: events of version 2.0 in the shape that most have, from a page or a server, nothing amiss.

It takes a third of the time of the full path (full.py), which every other event takes and which would make
the same of it; the order of the fields within `context` aside.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from gateway.dialects.commandersact import address
from gateway.dialects.commandersact.consent import consent_of_list
from gateway.dialects.commandersact.names import CANONICAL_TRAITS, TRANSLATED_TRAITS, set_name, to_traits
from gateway.dialects.commandersact.round_trip import native
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
    event_timestamp: str | int
    page: Page | UnsetType = UNSET
    device: Device | UnsetType = UNSET
    app: _Verbatim = UNSET
    campaign: _Verbatim = UNSET
    generator_version: _Verbatim = msgspec.field(default=UNSET, name="generatorVersion")
    container_version: _Verbatim = msgspec.field(default=UNSET, name="containerVersion")


class Screen(msgspec.Struct, rename="camel", gc=False):
    inner_width: Raw
    inner_height: Raw


class CanonicalDevice(msgspec.Struct, gc=False):
    cookie: Raw


class CanonicalContext(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    page: Page | UnsetType
    user_agent: _Maybe
    ip: _Maybe
    locale: _Maybe
    timezone: _Maybe
    device: CanonicalDevice | UnsetType
    screen: Screen | UnsetType
    consent: Raw
    traits: dict[str, Any] | UnsetType
    app: _Verbatim
    campaign: _Verbatim
    generator_version: _Verbatim
    container_version: _Verbatim


_EMPTY_PAGE, _EMPTY_DEVICE = Page(), Device()
_SCREEN = ("context.screen.innerWidth", "context.screen.innerHeight")
_LOCALE = ("context.locale",)
_VENDORS_AND_ID = frozenset(("consentID", "refused_vendors", "rejected_vendors"))
_NO_CONSENT = Raw(b'{"categoryPreferences":{}}')
_MIN_MILLISECONDS, _MAX_MILLISECONDS = 10**12, 10**13 - 1
"""13 digits: from 2001 to 2286."""
_DIGITS = 13

_text = msgspec.json.Decoder(_Text).decode
_context = msgspec.json.Decoder(Context).decode


def read(event: Fields) -> Message | None:
    """Return what an event claims, and leave only properties in `event`; None if it has another shape."""
    try:
        context = _context(event["context"])
        user = objects.read(event["user"])
        name = _text(event["event_name"])
        user_id = _text(user.pop("id")) if "id" in user else None
        anonymous_id = _text(user.pop("consistent_anonymous_id"))
    except (KeyError, *values.UNDECODABLE):
        return None
    patch: dict[str, Any] = {}
    time = context.event_timestamp
    if isinstance(time, int):
        patch["context"] = {"event_timestamp": time}
    elif len(time) == _DIGITS and time.isascii() and time.isdigit():
        time = int(time)
    else:
        return None
    if not _MIN_MILLISECONDS <= time <= _MAX_MILLISECONDS or "event_timestamp" in event:
        return None
    consent = _pop_consent(user, patch)
    if consent is None:
        return None
    traits: dict[str, Any] | UnsetType = user or UNSET
    if not TRANSLATED_TRAITS.isdisjoint(user):
        if not CANONICAL_TRAITS.isdisjoint(user):
            return None
        traits = to_traits(user)
    page = context.page
    written = _write_context(context, consent, traits)
    if written is None:
        return None
    del event["event_name"], event["user"], event["context"]
    message = Message(
        type="track",
        message_id=context.event_id,
        user_id=user_id,
        anonymous_id=anonymous_id,
        properties=Raw(objects.write(event)),
        context=Raw(written[0]),
        channel="browser" if page else "mobile" if context.app else "server",
        timestamp=timestamps.write(time),
        native=native(written[1], patch),
        consent_is_canonical=True,
    )
    set_name(message, name, event)
    return message


def _pop_consent(user: Fields, patch: dict[str, Any]) -> Raw | None:
    """Return a user's consent and remove it there; None if it is more than a list of categories."""
    if not _VENDORS_AND_ID.isdisjoint(user):
        return None
    given = user.pop("consent_categories", None)
    if given is None:
        return _NO_CONSENT
    found = consent_of_list(given)
    if found is None:
        return None
    consent, as_written = found
    if not as_written:
        patch["user"] = {"consent_categories": given}
    return consent


def _write_context(
    context: Context, consent: Raw, traits: dict[str, Any] | UnsetType
) -> tuple[bytes, tuple[str, ...]] | None:
    """Return the canonical context in JSON, and which of its fields were derived from others."""
    page, device = context.page, context.device
    user_agent: _Maybe = UNSET
    ip: _Maybe = UNSET
    locale: _Maybe = UNSET
    timezone: _Maybe = UNSET
    inner_device: CanonicalDevice | UnsetType = UNSET
    screen: Screen | UnsetType = UNSET
    derived: tuple[str, ...] = ()
    if device is not UNSET:
        user_agent, ip, locale, timezone = device.user_agent, device.ip, device.lang, device.timezone
        if device.cookie is not UNSET:
            inner_device = CanonicalDevice(device.cookie)
        elif user_agent is UNSET and device == _EMPTY_DEVICE:
            return None
    if page is not UNSET:
        if not (page.path is page.search is page.hash is UNSET):
            return None
        if page.url is not UNSET:
            parts = address.split(page.url)
            page.path, page.search, page.hash = parts.path, parts.search, parts.hash
            derived = parts.places
        elif page == _EMPTY_PAGE:
            return None
        if locale is UNSET and page.lang is not UNSET:
            locale = page.lang
            derived += _LOCALE
        if page.viewport is not UNSET:
            screen = Screen(page.viewport.width, page.viewport.height)
            derived += _SCREEN
    written = CanonicalContext(
        page,
        user_agent,
        ip,
        locale,
        timezone,
        inner_device,
        screen,
        consent,
        traits,
        context.app,
        context.campaign,
        context.generator_version,
        context.container_version,
    )
    return objects.write(written), derived
