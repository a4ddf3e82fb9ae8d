"""What the gateway itself has to say about an event's context, which else passes untouched."""

from ipaddress import ip_address, ip_network

from msgspec import UNSET, Raw, UnsetType

from gateway.intake import permissions
from gateway.message import Message
from gateway.raw import objects, values
from gateway.submission import Submission

_KEPT = {4: 24, 6: 48}
"""Bits of an address that stay when it is truncated: those of a network that many people share."""
_KEPT_6TO4 = 16 + 24
"""The same where an IPv6 address has an IPv4 one in it."""
_NOTHING = (None, Raw(b"null"))


def complete(context: Raw, message: Message, submission: Submission, device: bool, truncate_ip: bool) -> Raw:
    """
    Fill in the address and browser of a person's device, and turn opt-outs into consent categories.

    `device` says whether the sender is the person's own device; `context.direct: true` asks for the
    address alone. What a client says itself is kept; but an address, whoever says it, without its last part
    if it is to be truncated.
    """
    fields = objects.read(context)
    before = len(fields)
    direct = permissions.read_flag(fields, "direct", message)
    if (device or direct) and fields.get("ip") in _NOTHING and submission.client_ip:
        fields["ip"] = Raw(objects.write(submission.client_ip))
    agent = submission.headers.get(b"user-agent")
    if device and "userAgent" not in fields and agent:
        fields["userAgent"] = Raw(objects.write(agent.decode("utf-8", "replace")))
    changed = permissions.check_consent(fields, message) or len(fields) > before
    if truncate_ip:
        changed |= _truncate(fields, message)
    return Raw(objects.write(fields)) if changed else context


def _truncate(fields: dict[str, Raw], message: Message) -> bool:
    """Shorten the address; whether there was one."""
    stated = fields.get("ip")
    if not isinstance(message.native, UnsetType):
        native = objects.write(message.native)
        # Of the way back no more shall be known, nor of a whole event, wherever in it an address may be.
        if native.startswith(b'{"event":') or (stated and objects.write(stated) in native):
            message.native = UNSET
    if stated is None or stated in _NOTHING:
        return False
    del fields["ip"]
    try:
        address = ip_address((values.find_text(stated) or "").strip())
    except ValueError:
        message.warn("invalid_context_field", "context.ip", "no address, so that it cannot be truncated")
        return True
    address = getattr(address, "ipv4_mapped", None) or address
    kept = _KEPT_6TO4 if getattr(address, "sixtofour", None) else _KEPT[address.version]
    network = ip_network((address, kept), strict=False)
    fields["ip"] = Raw(objects.write(str(network.network_address)))
    return True
