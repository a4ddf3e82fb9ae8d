"""What a person has consented to."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from gateway.dialects.commandersact.round_trip import RoundTrip
from gateway.dialects.commandersact.versions import Fields
from gateway.message import Message
from gateway.raw import values

_texts = msgspec.json.Decoder(list[Annotated[str, Meta(min_length=1)]]).decode
_list = msgspec.json.Decoder(list[Raw]).decode


def take_consent(user: Fields, message: Message, notes: RoundTrip) -> dict[str, Any]:
    """The consent among what is said of a user, which it leaves. Who names no categories has granted none."""
    consent: dict[str, Any] = {"categoryPreferences": {}}
    given = user.pop("consent_categories", None)
    if given is not None:
        granted, usual = _categories(given)
        if granted is None:
            message.warn("invalid_context_field", "user.consent_categories", "expected an array")
        else:
            consent["categoryPreferences"] = dict.fromkeys(granted, True)
            consent["granted"] = granted
        if not usual:
            notes.keep(given, "user", "consent_categories")
    if "consentID" in user:
        consent["consentId"] = user.pop("consentID")
    if "refused_vendors" in user:
        consent["refusedVendors"] = user.pop("refused_vendors")
    elif "rejected_vendors" in user:
        consent["refusedVendors"] = given = user.pop("rejected_vendors")
        notes.keep(given, "user", "rejected_vendors")
        notes.drop("user", "refused_vendors")
    return consent


def _categories(value: Raw) -> tuple[list[str] | None, bool]:
    """The categories as texts, and whether that is how they were sent; None if they are none at all."""
    try:
        return _texts(value), True
    except msgspec.ValidationError:
        return _read_oddly(value), False


def _read_oddly(value: Raw) -> list[str] | None:
    if values.is_text(value):  # "ALL"
        found = values.text(value)
        return [found] if found else []
    try:
        entries = _list(value)
    except msgspec.ValidationError:
        return None
    labels = [values.find_label(entry) for entry in entries]
    return [each for each in labels if each]
