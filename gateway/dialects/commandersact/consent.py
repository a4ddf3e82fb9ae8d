"""The consent of a person."""

from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from gateway.dialects.commandersact.round_trip import RoundTrip
from gateway.dialects.commandersact.versions import Fields
from gateway.message import Message
from gateway.raw import bodies, objects, truth, values

_FIELD = "user.consent_categories"
_MAX_CACHED_BYTES = 256

_texts = msgspec.json.Decoder(list[Annotated[str, Meta(min_length=1)]]).decode
_words = msgspec.json.Decoder(list[str | int]).decode


def pop_consent(user: Fields, message: Message, round_trip: RoundTrip) -> dict[str, Any]:
    """
    Return the consent among a user's fields, and remove it from them.

    A user without categories has granted none; in Segment, by contrast, no consent at all grants everything.
    Anything unreadable grants nothing and leaves a warning.
    """
    consent: dict[str, Any] = {"categoryPreferences": {}}
    given = user.pop("consent_categories", None)
    if given is not None:
        preferences = _preferences(given, message)
        if preferences is not None:
            granted = [category for category, said in preferences.items() if said]
            consent = {"categoryPreferences": preferences, "granted": granted}
        if not _is_as_written(given):
            round_trip.keep_value(given, "user", "consent_categories")
    if "consentID" in user:
        consent["consentId"] = user.pop("consentID")
    if "refused_vendors" in user:
        consent["refusedVendors"] = user.pop("refused_vendors")
    elif "rejected_vendors" in user:
        consent["refusedVendors"] = given = user.pop("rejected_vendors")
        round_trip.keep_value(given, "user", "rejected_vendors")
        round_trip.keep_absence("user", "refused_vendors")
    return consent


def consent_of_list(categories: Raw) -> tuple[Raw, bool] | None:
    """
    Return the consent that a list of categories expresses, as `pop_consent` would, written as JSON; and
    whether the list holds only texts, as it is written on the way back.

    None if it is anything but a short list of texts and numbers.
    """
    value = bytes(categories)
    return _consent_of_list(value) if len(value) <= _MAX_CACHED_BYTES else None


# Most of a site's visitors have granted the same: 0.1 µs instead of 2.
@lru_cache(1024)
def _consent_of_list(value: bytes) -> tuple[Raw, bool] | None:
    try:
        categories = _words(value)
    except msgspec.ValidationError:
        return None
    granted = [str(category) for category in categories]
    if not all(map(_is_category, granted)) or len(set(granted)) < len(granted):
        return None
    if any(isinstance(category, int) and category <= 0 for category in categories):
        return None  # as text, -0 differs from 0
    preferences = dict.fromkeys(granted, True)
    written = objects.write({"categoryPreferences": preferences, "granted": granted})
    return Raw(written), all(isinstance(category, str) for category in categories)


def _preferences(value: Raw, message: Message) -> dict[str, bool] | None:
    """
    Return the categories that a value grants or denies, with a warning for entries that do neither.

    A list grants; so does a text: one category, several separated by commas, or a JSON list, as found in
    queries. An object says yes or no to each. None for anything else.
    """
    wishes = objects.fields(value)
    if wishes is not None and not _is_list_with_holes(wishes):
        said = {category: truth.read(wish) for category, wish in wishes.items()}
        for category in (category for category, wish in said.items() if wish is None):
            message.warn("invalid_context_field", f"{_FIELD}.{category}", "neither yes nor no")
        return {category: wish for category, wish in said.items() if wish is not None}
    try:
        categories = _labels(value if wishes is None else Raw(objects.write([*wishes.values()])))
    except values.UNDECODABLE:
        message.warn("invalid_context_field", _FIELD, "expected an array")
        return None
    for place, category in enumerate(categories):
        if not _is_category(category):
            message.warn("invalid_context_field", f"{_FIELD}.{place}", "not a category")
    return {category: True for category in categories if _is_category(category)}


def _is_list_with_holes(fields: Fields) -> bool:
    """Return whether an object is PHP's form of a list that has lost entries: {"0": "1", "2": "3"}."""
    return all(map(str.isdecimal, fields)) and any(truth.read(value) is None for value in fields.values())


def _labels(value: Raw) -> list[str]:
    """Return the entries of a list or of a text, "" for each that is neither text nor number."""
    if values.is_text(value):
        text = values.find_text(value) or ""
        if not text.startswith("["):
            return [part.strip() for part in text.split(",") if part.strip()]
        value = Raw(text.encode())
    return [values.find_label(entry) or "" for entry in bodies.entries(value)]


def _is_category(text: str) -> bool:
    """Return whether a text in a list can be a category: a yes or no without its category cannot."""
    return bool(text) and (text.isdecimal() or truth.read_text(text) is None)


def _is_as_written(value: Raw) -> bool:
    """Return whether the way back would write the value like this, given the categories that were granted."""
    try:
        categories = _texts(value)
    except msgspec.ValidationError:
        return False
    return all(map(_is_category, categories)) and len(set(categories)) == len(categories)
