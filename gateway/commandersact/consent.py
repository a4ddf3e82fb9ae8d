"""The categories that a person has consented to, as senders list them."""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from gateway import values

_texts = msgspec.json.Decoder(list[Annotated[str, Meta(min_length=1)]]).decode
_list = msgspec.json.Decoder(list[Raw]).decode


def categories(value: Raw) -> tuple[list[str] | None, bool]:
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
