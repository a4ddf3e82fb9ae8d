"""From an event of Commanders Act to what it claims in our words."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from gateway.dialects.commandersact import address, fast
from gateway.dialects.commandersact.consent import take_consent
from gateway.dialects.commandersact.names import CONTEXT, DEVICE, OUR_USER, give_name, to_traits
from gateway.dialects.commandersact.round_trip import RoundTrip
from gateway.dialects.commandersact.versions import Claim, Fields, take
from gateway.message import Message
from gateway.raw import objects, timestamps, values

_OUR_CONTEXT = {*CONTEXT.values(), "traits", "consent"}
_OUR_DEVICE = set(DEVICE.values())
_OUR_SCREEN = {"innerWidth", "innerHeight"}

_NOTHING = (Raw(b"null"), Raw(b'""'))
_DIGITS = 13  # of milliseconds between 2001 and 2286


def from_commandersact(event: Fields) -> Message:
    """
    What an event claims.

    Nothing that is missing or of the wrong kind makes it unusable: it has a warning, or stays under its
    own name.
    """
    return fast.read(event) or read_carefully(event)


def read_carefully(event: Fields) -> Message:
    """The same, of an event in any shape."""
    return _Reading(take(event)).read()


class _Reading:
    """One event on its way to a message."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.message = Message(type="track", extras=claim.extras, version=claim.version)
        self.context: dict[str, Any] = {}
        """Ours, as far as it is made."""
        self.notes = RoundTrip(claim.odd or not _OUR_CONTEXT.isdisjoint(claim.context))

    def read(self) -> Message:
        message, context = self.message, self.claim.context
        if not context and self.claim.has_context:
            self.notes.keep_empty("context")
        self._read_id(context.pop("event_id", None))
        self._read_time(context.pop("event_timestamp", None))
        page = self._read_page(context.pop("page", None))
        device = self._read_device(context.pop("device", None), page)
        self._read_user(device)
        if not (message.user_id or message.anonymous_id):
            message.warn("missing_id", "user")
        self._read_name(page, "app" in context)
        message.properties = Raw(objects.write(self.claim.properties))
        message.context = Raw(objects.write(self.context | context))
        message.consent_is_canonical = "consent" not in context
        message.native = self.notes.native(self.claim.event)
        return message

    def _read_name(self, page: Fields, app: bool) -> None:
        message = self.message
        message.channel = "browser" if page else "mobile" if app else "server"
        name = self._label(self.claim.name, "event_name")
        if name is None:
            message.warn("missing_event_name", "event_name")
        give_name(message, name, self.claim.properties)

    def _read_id(self, given: Raw | None) -> None:
        self.message.message_id = found = self._label(given, "context", "event_id")
        if found is None:
            self.message.warn("missing_event_id", "context.event_id")
            self.notes.derived.append("messageId")

    def _label(self, given: Raw | None, *path: str) -> str | None:
        """A text; a number is one too, but no text is what the way back would make of it."""
        found = values.find_text(given)
        if found is None and given is not None:
            self.notes.keep(given, *path)
            return values.find_label(given)
        return found

    def _read_time(self, inner: Raw | None) -> None:
        outer = self.claim.root_time
        if outer is not None:
            self.notes.keep(outer, "event_timestamp")
        given = outer if inner is None else inner
        if given is None or given in _NOTHING:
            self.message.warn("missing_event_timestamp", "context.event_timestamp")
            self.notes.derived.append("timestamp")
        else:
            digits = bytes(given).strip(b'"')
            usual = len(digits) == _DIGITS and digits.isdigit()
            self.message.timestamp = timestamps.write(int(digits)) if usual else values.instant(given)
            if inner is None:
                return self.notes.drop("context", "event_timestamp")
            if usual and values.is_text(inner):
                return
        if inner is not None:
            self.notes.keep(inner, "context", "event_timestamp")

    def _read_page(self, given: Raw | None) -> Fields:
        page = objects.fields(given)
        if page is None:
            if given is not None:
                self.context["page"] = given
            return {}
        if "url" not in page and "location" in page:
            self._read_location(page)
        url = values.find_text(page.get("url"))
        for name, part, path in address.parts(url) if url else ():
            if name not in page:
                page[name] = part
                self.notes.derived.append(path)
        self.context["page"] = page
        return page

    def _read_location(self, page: Fields) -> None:
        """Some name the address otherwise: `location`, or `location.href`."""
        location = page["location"]
        url = location if values.is_text(location) else (objects.fields(location) or {}).get("href")
        if url is not None and values.find_text(url):
            self.notes.keep(page.pop("location"), "context", "page", "location")
            self.notes.drop("context", "page", "url")
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
                self.notes.derived.append("context.locale")
        viewport = objects.fields(page.get("viewport")) or {}
        for theirs, ours in (("width", "innerWidth"), ("height", "innerHeight")):
            if theirs in viewport and not isinstance(self.context.get("screen"), Raw):
                self.context.setdefault("screen", {})[ours] = viewport[theirs]
                self.notes.derived.append(f"context.screen.{ours}")
        return device

    def _split_device(self, device: Fields) -> None:
        """Move to our context what has its place there."""
        context = self.context
        left: Fields = {}
        for name, value in device.items():
            ours = CONTEXT.get(name)
            if ours is None or value in _NOTHING:
                left[DEVICE.get(name, name)] = value
            elif name == "screen":
                screen = objects.fields(value)
                self.notes.odd |= not screen or not _OUR_SCREEN.isdisjoint(screen)
                context["screen"] = screen or value
            else:
                context[ours] = value
        if left or not device:
            context["device"] = left
        self.notes.odd |= not _OUR_DEVICE.isdisjoint(device)

    def _read_user(self, device: Fields) -> None:
        given = self.claim.user
        user = objects.fields(given) or {}
        if given is not None and not user:
            self.notes.keep_empty("user")
            self.notes.odd |= objects.fields(given) is None
        self.notes.odd |= not OUR_USER.isdisjoint(user)
        message = self.message
        message.user_id = self._take_id(user, "id")
        message.anonymous_id = self._take_id(user, "consistent_anonymous_id")
        self.context["consent"] = take_consent(user, message, self.notes)
        traits = to_traits(user)
        if traits:
            self.context["traits"] = traits
        if message.anonymous_id is None:
            self._assume_id(traits, device)

    def _take_id(self, user: Fields, name: str) -> str | None:
        """An id leaves the user; what is none stays, whatever it is."""
        given = user.get(name)
        if given is None:
            return None
        found = values.find_text(given)
        if found is None:
            found = values.find_label(given)
            if found is None:
                return None
            self.notes.keep(given, "user", name)
        del user[name]
        return found

    def _assume_id(self, traits: Mapping[str, Raw], device: Fields) -> None:
        """Other names for the same device, where an event has no anonymous id."""
        cookies = values.find_text(device.get("cookie")) or ""
        for field, found in (
            ("user.tcId", values.find_text(traits.get("tcId"))),
            ("context.device.sdk_id", values.find_text(device.get("sdk_id"))),
            ("context.device.cookie", _visitor(cookies)),
        ):
            if found:
                self.message.anonymous_id = found
                self.message.warn("anonymous_id_assumed", "anonymousId", f"from {field}")
                self.notes.derived.append("anonymousId")
                return


def _visitor(cookies: str) -> str | None:
    """The visitor's id among the cookies of a page."""
    pairs = (each.partition("=") for each in cookies.split(";"))
    found = {name.strip(): value.strip() for name, _, value in pairs}
    return found.get("CAID") or found.get("TCID") or None
