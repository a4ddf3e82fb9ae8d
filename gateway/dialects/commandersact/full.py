"""The full path: from any event of Commanders Act to a message. Most events take the fast path (fast.py)."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from gateway.dialects.commandersact import address, fast
from gateway.dialects.commandersact.consent import pop_consent
from gateway.dialects.commandersact.names import CANONICAL_TRAITS, CONTEXT, DEVICE, set_name, to_traits
from gateway.dialects.commandersact.round_trip import RoundTrip
from gateway.dialects.commandersact.versions import NOTHING, Fields, Unified, unify
from gateway.message import Message
from gateway.raw import objects, timestamps, values

_CANONICAL_CONTEXT = {*CONTEXT.values(), "traits", "consent"}
_CANONICAL_DEVICE = set(DEVICE.values())
_CANONICAL_SCREEN = {"innerWidth", "innerHeight"}

_DIGITS = 13  # of milliseconds between 2001 and 2286


def from_commandersact(event: Fields) -> Message:
    """
    Return what an event says; `event` is consumed.

    A field that is missing or of the wrong kind never makes the event unusable: it leaves a warning, or stays
    under its own name.
    """
    return fast.read(event) or read(event)


def read(event: Fields) -> Message:
    """Return what an event of any shape says, as `from_commandersact` does."""
    return _Reading(unify(event)).read()


class _Reading:
    """One event on its way to a message."""

    def __init__(self, event: Unified) -> None:
        self.event = event
        self.message = Message(type="track", extras=event.extras, version=event.version)
        self.context: dict[str, Any] = {}
        """The canonical context, as far as it has been built."""
        keep_whole = event.context_is_invalid or not _CANONICAL_CONTEXT.isdisjoint(event.context)
        self.round_trip = RoundTrip(keep_whole=keep_whole)

    def read(self) -> Message:
        message, context = self.message, self.event.context
        if not context and self.event.has_context:
            self.round_trip.keep_empty_object("context")
        self._read_id(context.pop("event_id", None))
        self._read_time(context.pop("event_timestamp", None))
        page = self._read_page(context.pop("page", None))
        device = self._read_device(context.pop("device", None), page)
        self._read_user(device)
        if not (message.user_id or message.anonymous_id):
            message.warn("missing_id", "user")
        self._read_name(page, "app" in context)
        message.properties = Raw(objects.write(self.event.properties))
        message.context = Raw(objects.write(self.context | context))
        message.consent_is_canonical = "consent" not in context
        message.native = self.round_trip.native(self.event.original)
        return message

    def _read_name(self, page: Fields, app: bool) -> None:
        message = self.message
        message.channel = "browser" if page else "mobile" if app else "server"
        name = self._label(self.event.name, "event_name")
        if name is None:
            message.warn("missing_event_name", "event_name")
        set_name(message, name, self.event.properties)

    def _read_id(self, given: Raw | None) -> None:
        self.message.message_id = found = self._label(given, "context", "event_id")
        if found is None:
            self.message.warn("missing_event_id", "context.event_id")
            self.round_trip.derived.append("messageId")

    def _label(self, given: Raw | None, *path: str) -> str | None:
        """Return a text or a number's digits, else None; anything but text is kept for the way back."""
        found = values.find_text(given)
        if found is None and given is not None:
            self.round_trip.keep_value(given, *path)
            return values.find_label(given)
        return found

    def _read_time(self, inner: Raw | None) -> None:
        outer = self.event.root_time
        if outer is not None:
            self.round_trip.keep_value(outer, "event_timestamp")
        given = outer if inner in NOTHING else inner
        is_canonical = False
        if given is None or given in NOTHING:
            self.message.warn("missing_event_timestamp", "context.event_timestamp")
            self.round_trip.derived.append("timestamp")
        else:
            digits = bytes(given).strip(b'"')
            in_milliseconds = len(digits) == _DIGITS and digits.isdigit()
            self.message.timestamp = (
                timestamps.write(int(digits)) if in_milliseconds else values.instant(given)
            )
            if inner is None:
                self.round_trip.keep_absence("context", "event_timestamp")
            is_canonical = in_milliseconds and given is inner and values.is_text(given)
        if inner is not None and not is_canonical:
            self.round_trip.keep_value(inner, "context", "event_timestamp")

    def _read_page(self, given: Raw | None) -> Fields:
        page = objects.fields(given)
        if page is None:
            if given is not None:
                self.context["page"] = given
            return {}
        if page.get("url") in NOTHING and "location" in page:
            self._read_location(page)
        url = values.find_text(page.get("url"))
        parts = address.split(url) if url else address.Parts()
        for place in parts.places:
            name = place.rpartition(".")[2]
            if name not in page:
                page[name] = getattr(parts, name)
                self.round_trip.derived.append(place)
        self.context["page"] = page
        return page

    def _read_location(self, page: Fields) -> None:
        """Take the address from `location` or `location.href`, as some senders name it."""
        location = page["location"]
        url = location if values.is_text(location) else (objects.fields(location) or {}).get("href")
        if url is not None and values.find_text(url):
            self.round_trip.keep_value(page.pop("location"), "context", "page", "location")
            if "url" in page:
                self.round_trip.keep_value(page["url"], "context", "page", "url")
            else:
                self.round_trip.keep_absence("context", "page", "url")
            page["url"] = url

    def _read_device(self, given: Raw | None, page: Fields) -> Fields:
        device = objects.fields(given)
        if device is None and given is not None:
            self.context["device"] = given
        elif device is not None:
            self._split_device(device)
        device = device or {}
        if "locale" not in self.context:
            language, region = (
                values.find_text(device.get("language")),
                values.find_text(device.get("region")),
            )
            locale = f"{language}-{region}" if language and region else language
            locale = locale or values.find_text(page.get("lang"))
            if locale:
                self.context["locale"] = locale
                self.round_trip.derived.append("context.locale")
        viewport = objects.fields(page.get("viewport")) or {}
        for name, canonical in (("width", "innerWidth"), ("height", "innerHeight")):
            if name in viewport and not isinstance(self.context.get("screen"), Raw):
                self.context.setdefault("screen", {})[canonical] = viewport[name]
                self.round_trip.derived.append(f"context.screen.{canonical}")
        return device

    def _split_device(self, device: Fields) -> None:
        """Move the fields of a device that have a canonical place of their own."""
        context = self.context
        left: Fields = {}
        for name, value in device.items():
            canonical = CONTEXT.get(name)
            if canonical is None or value in NOTHING:
                left[DEVICE.get(name, name)] = value
            elif name == "screen":
                screen = objects.fields(value)
                self.round_trip.keep_whole |= not screen or not _CANONICAL_SCREEN.isdisjoint(screen)
                context["screen"] = screen or value
            else:
                context[canonical] = value
        if left or not device:
            context["device"] = left
        self.round_trip.keep_whole |= not _CANONICAL_DEVICE.isdisjoint(device)

    def _read_user(self, device: Fields) -> None:
        given = self.event.user
        user = objects.fields(given) or {}
        if given is not None and not user:
            self.round_trip.keep_empty_object("user")
            self.round_trip.keep_whole |= objects.fields(given) is None
        self.round_trip.keep_whole |= not CANONICAL_TRAITS.isdisjoint(user)
        message = self.message
        message.user_id = self._pop_id(user, "id")
        message.anonymous_id = self._pop_id(user, "consistent_anonymous_id")
        self.context["consent"] = pop_consent(user, message, self.round_trip)
        traits = to_traits(user)
        if traits:
            self.context["traits"] = traits
        if message.anonymous_id is None:
            self._assume_id(traits, device)

    def _pop_id(self, user: Fields, name: str) -> str | None:
        """Return an id and remove it from the user; None, and nothing removed, if it is not an id."""
        given = user.get(name)
        if given is None:
            return None
        found = values.find_text(given)
        if found is None:
            found = values.find_label(given)
            if found is None:
                return None
            self.round_trip.keep_value(given, "user", name)
        del user[name]
        return found

    def _assume_id(self, traits: Mapping[str, Raw], device: Fields) -> None:
        """Use another id of the same device as the anonymous id, if there is one."""
        cookies = values.find_text(device.get("cookie")) or ""
        for field, found in (
            ("user.tcId", values.find_text(traits.get("tcId"))),
            ("context.device.sdk_id", values.find_text(device.get("sdk_id"))),
            ("context.device.cookie", _visitor(cookies)),
        ):
            if found:
                self.message.anonymous_id = found
                self.message.warn("anonymous_id_assumed", "anonymousId", f"from {field}")
                self.round_trip.derived.append("anonymousId")
                return


def _visitor(cookies: str) -> str | None:
    """Return the visitor's id among the cookies of a page, written as in a Cookie header."""
    pairs = (each.partition("=") for each in cookies.split(";"))
    found = {name.strip(): value.strip() for name, _, value in pairs}
    return found.get("CAID") or found.get("TCID") or None
