"""Complete an event's context with what the gateway knows; everything else in it is left unchanged."""

from msgspec import UNSET, Raw, UnsetType

from gateway import masking
from gateway.intake import permissions, sender
from gateway.message import Message
from gateway.raw import objects, values
from gateway.submission import Submission

_MAX_AGENT_BYTES = 1024
"""Of the header, which is put into each event of a batch: a large one would fill the journal."""
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
    direct = permissions.read_flag(fields, "direct", message)
    if (device or direct) and fields.get("ip") in _EMPTY and submission.client_ip:
        fields["ip"] = Raw(objects.write(sender.spell(submission.client_ip)))
        changed = True
    agent = submission.headers.get(b"user-agent")
    if device and agent and fields.get("userAgent") in _EMPTY:
        fields["userAgent"] = Raw(objects.write(agent[:_MAX_AGENT_BYTES].decode("utf-8", "replace")))
        changed = True
    changed |= permissions.check_consent(fields, message)
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
    fields["ip"] = Raw(objects.write(masking.truncate(address)))
    return True
