"""
The permissions that an event carries: its consent and its integrations.

Delivery decides by them later (delivery/route.py). Here the sender's mistakes become warnings, and other
spellings of consent become the one that delivery reads.
"""

import msgspec
from msgspec import Raw

from gateway.message import Message
from gateway.raw import objects, truth

_read_flags = msgspec.json.Decoder(dict[str, bool]).decode


def check_integrations(message: Message, integrations: Raw) -> Raw:
    """
    Return the integrations as an object; one that says neither yes nor no leaves a warning.

    `false` is `{"All": false}`. InvalidField if they are of another kind.
    """
    try:
        _read_flags(integrations)
    except msgspec.ValidationError:
        if truth.read(integrations) is False:
            return truth.NO_INTEGRATIONS
        integrations = objects.require("integrations", integrations)
        for name, value in objects.read(integrations).items():
            if truth.read_integration(value) is None:
                _warn(message, f"integrations.{name}", "neither yes nor no, so that it decides nothing")
    return integrations


def read_flag(fields: dict[str, Raw], name: str, message: Message) -> bool:
    """Return whether a field of the context says yes; one that says neither yes nor no leaves a warning."""
    value = fields.get(name)
    said = truth.read(value)
    if said is None and value not in _NOTHING:
        _warn(message, f"context.{name}", "expected true or false")
    return bool(said)


_NOTHING = (None, Raw(b"null"))


def check_consent(fields: dict[str, Raw], message: Message) -> bool:
    """
    Write MetaRouter's `consent.optOut.X: true` as Segment's `categoryPreferences.X: false`, if the client has
    not stated that category itself; return whether anything was written.

    What cannot be read grants nothing and leaves a warning. An opt-out that names no categories, such as
    `optOut: true`, is one from all of them.
    """
    if "consent" not in fields:
        return False
    consent = _object(fields["consent"], "context.consent", message)
    if consent is None:
        return False
    stated = _object(consent.get("categoryPreferences"), "context.consent.categoryPreferences", message)
    opted_out = _object(consent.get("optOut"), "context.consent.optOut", message)
    if stated is None:
        return False
    _check_all(stated, "context.consent.categoryPreferences", message)
    if opted_out is not None:
        _check_all(opted_out, "context.consent.optOut", message)
        derived = {
            category: _TRUE if truth.read(value) is False else _FALSE
            for category, value in opted_out.items()
            if category not in stated
        }
        preferences = {**stated, **derived}
    elif consent["optOut"] in _NO_OPT_OUT or truth.read(consent["optOut"]) is False:
        return False
    else:
        preferences = dict.fromkeys(stated, _FALSE)
    if preferences == stated:
        return False
    consent["categoryPreferences"] = Raw(objects.write(preferences))
    fields["consent"] = Raw(objects.write(consent))
    return True


_TRUE, _FALSE = Raw(b"true"), Raw(b"false")
_NO_OPT_OUT = (Raw(b"null"), Raw(b"[]"), Raw(b'""'))


def _object(value: Raw | None, field: str, message: Message) -> dict[str, Raw] | None:
    """Return the fields of an object, none if it is missing; None with a warning for anything else."""
    found = {} if value is None else objects.fields(value)
    if found is None:
        _warn(message, field, "expected an object, so that it grants nothing")
    return found


def _check_all(flags: dict[str, Raw], field: str, message: Message) -> None:
    for name, value in flags.items():
        if truth.read(value) is None:
            _warn(message, f"{field}.{name}", "neither yes nor no, so that it grants nothing")


def _warn(message: Message, field: str, detail: str) -> None:
    message.warn("invalid_context_field", field, detail)
