"""Complete an event's context with what the gateway knows; everything else in it passes untouched."""

from ipaddress import ip_network

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway.intake import sender
from gateway.message import Message
from gateway.raw import objects, values
from gateway.submission import Submission

_KEPT_BITS = {4: 24, 6: 48}
"""What stays of an address, by its version, when it is truncated: a network that many people share."""
_KEPT_BITS_6TO4 = 16 + 24
"""The same where an IPv6 address has an IPv4 one in it."""
_EMPTY = (None, Raw(b"null"), Raw(b'""'))


def complete(context: Raw, message: Message, submission: Submission, device: bool, truncate_ip: bool) -> Raw:
    """
    Fill in the address and browser of a person's device, and turn opt-outs into consent categories.

    `device` says whether the sender is the person's own device; `context.direct: true` asks for the
    address alone. What the client says itself is kept, unless it is empty or null. With `truncate_ip` an
    address loses its last part, and what is no address is removed. Fields of a wrong type leave a warning;
    msgspec.ValidationError if the context is not an object.
    """
    fields = objects.read(context)
    changed = False
    direct = _flag(fields, "direct", message)
    if (device or direct) and fields.get("ip") in _EMPTY and submission.client_ip:
        fields["ip"] = Raw(objects.write(sender.spell(submission.client_ip)))
        changed = True
    agent = submission.headers.get(b"user-agent")
    if device and agent and fields.get("userAgent") in _EMPTY:
        fields["userAgent"] = Raw(objects.write(agent.decode("utf-8", "replace")))
        changed = True
    changed |= _consent(fields, message)
    if truncate_ip:
        changed |= _truncate(fields, message)
    return Raw(objects.write(fields)) if changed else context


def _truncate(fields: dict[str, Raw], message: Message) -> bool:
    """Truncate the address, or remove what cannot be truncated; return whether there was one."""
    stated = fields.get("ip")
    if not isinstance(message.native, UnsetType):
        native = objects.write(message.native)
        # An address must not survive in what is kept to restore the client's own form of the event, nor in
        # a whole event that is kept so, wherever it may stand there.
        if native.startswith(b'{"event":') or (stated and objects.write(stated) in native):
            message.native = UNSET
    if stated is None or stated in _EMPTY:
        return False
    del fields["ip"]
    try:
        address = sender.parse((values.find_text(stated) or "").strip())
    except ValueError:
        message.warn("invalid_context_field", "context.ip", "not an address, so that it cannot be truncated")
        return True
    kept = _KEPT_BITS_6TO4 if getattr(address, "sixtofour", None) else _KEPT_BITS[address.version]
    network = ip_network((address, kept), strict=False)
    fields["ip"] = Raw(objects.write(str(network.network_address)))
    return True


def _flag(fields: dict[str, Raw], name: str, message: Message) -> bool:
    """Return whether a field is true; a value of another type leaves a warning."""
    value = fields.get(name)
    if value is None:
        return False
    if bytes(value) not in (b"true", b"false", b"null"):
        message.warn("invalid_context_field", f"context.{name}", "expected true or false")
    return bytes(value) == b"true"


def _consent(fields: dict[str, Raw], message: Message) -> bool:
    """
    Write MetaRouter's `consent.optOut.X: true` as Segment's `categoryPreferences.X: false`, if the client has
    not stated that category itself; return whether anything was written. Values of a wrong type leave a
    warning and grant nothing.
    """
    if "consent" not in fields:
        return False
    try:
        consent = objects.read(fields["consent"])
    except msgspec.ValidationError:
        message.warn("invalid_context_field", "context.consent", "expected an object; it grants nothing")
        return False
    try:
        stated = objects.read(consent.get("categoryPreferences", b"{}"))
    except msgspec.ValidationError:
        field = "context.consent.categoryPreferences"
        message.warn("invalid_context_field", field, "expected an object; it grants nothing")
        return False
    try:
        opted_out = objects.read(consent.get("optOut", b"{}"))
    except msgspec.ValidationError:
        message.warn("invalid_context_field", "context.consent.optOut", "expected an object")
        return False
    derived = {
        category: b"true" if bytes(value) in (b"false", b'"false"') else b"false"
        for category, value in opted_out.items()
        if category not in stated
    }
    if not derived:
        return False
    preferences = {**stated, **{category: Raw(value) for category, value in derived.items()}}
    consent["categoryPreferences"] = Raw(objects.write(preferences))
    fields["consent"] = Raw(objects.write(consent))
    return True
