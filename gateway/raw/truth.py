"""
Every yes or no that decides something: consent, opt-outs, integrations, flags; at intake and at delivery.

JSON has booleans for this; but queries hold only text, PHP and databases write 1 and 0, check boxes "on",
and consent platforms "granted" (Google's consent mode). All of these are read here, and nothing else.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw, UnsetType

from gateway.message import Object
from gateway.raw import objects, values

_WORDS = {
    **dict.fromkeys(("true", "1", "yes", "on", "granted"), True),
    **dict.fromkeys(("false", "0", "no", "off", "denied"), False),
}
_JSON = {b"true": True, b"false": False}
"""The values that are nearly always sent, recognized by their bytes: 0.2 µs instead of 0.6."""
_ALL = "ALL"
"""
Stands for every category or integration that is not itself named. This is Commanders Act's spelling;
Segment's is `All`, in older documentation `all`.
"""

NO_INTEGRATIONS = Raw(b'{"All":false}')

_decode = msgspec.json.Decoder(str | int | float | None).decode


def read(value: Raw | None) -> bool | None:
    """Return what a value says: True, False, or None if it says neither."""
    if value is None:
        return None
    known = _JSON.get(bytes(value))
    if known is not None:
        return known
    try:
        found = _decode(value)
    except values.UNDECODABLE:
        return None
    if isinstance(found, str):
        return read_text(found)
    return bool(found) if found in (0, 1) else None


def read_text(text: str) -> bool | None:
    """Return what a text says, in any case: True, False, or None if it says neither."""
    return _WORDS.get(text.lower())


def grants(preferences: Mapping[str, Raw], category: str) -> bool:
    """Return whether preferences grant a category: by its name, or by `ALL` unless its name is denied."""
    said = read(preferences.get(category))
    return any(is_all(name) and read(preferences[name]) for name in preferences) if said is None else said


def is_all(name: str) -> bool:
    """Return whether the name of a category or an integration stands for all of them."""
    return name.upper() == _ALL


def read_integration(value: Raw | None) -> bool | None:
    """Like `read`, but an object, an integration's settings, is a yes."""
    said = read(value)
    return True if said is None and objects.fields(value) is not None else said


def allows(integrations: Mapping[str, Raw], name: str) -> bool:
    """Return whether an event may go to an integration: by name, else by `All` in any case, else yes."""
    said = read_integration(integrations.get(name))
    if said is None:
        said = read_integration(integrations.get("All"))
    if said is None:
        said = not any(is_all(each) and read(value) is False for each, value in integrations.items())
    return said


def spread(integrations: Object) -> Object:
    """Return `{"All": false}` for integrations that are a plain no, and all others as they are."""
    if isinstance(integrations, UnsetType) or read(integrations) is not False:
        return integrations
    return NO_INTEGRATIONS
