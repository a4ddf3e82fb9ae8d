"""
Validation of products.

https://doc.commandersact.com/features/sources/sources-catalog/import-conversions/api-conversions-and-product-catalog
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from gateway.raw import objects, values
from gateway.records.base import Record

_MAX_ID_CHARACTERS = 50

_texts = msgspec.json.Decoder(list[str]).decode

Check = Callable[[Raw], str | None]
"""A function that returns the error code of a value, or None if it is valid."""


class Fault(msgspec.Struct, frozen=True):
    """An error in a line."""

    line: int
    """The line number, from 1; empty lines count."""
    code: str
    field: str = ""
    id: str = ""

    @property
    def detail(self) -> str:
        return DETAILS[self.code].format(self.field)


def check(lines: Iterable[bytes], start: int = 1) -> tuple[list[Record], list[Fault]]:
    """
    Return the valid products in JSON lines, and the faults of all other lines. Empty lines are skipped.

    `start` is the number of the first line.
    """
    records, faults = [], []
    for number, line in enumerate(lines, start):
        if not line.strip():
            continue
        found = _product(line, number)
        if isinstance(found, Record):
            records.append(found)
        else:
            faults += found
    return records, faults


def _product(line: bytes, number: int) -> Record | list[Fault]:
    try:
        line.decode()
        fields = objects.read(line)
    except values.UNDECODABLE:
        return [Fault(number, PARSE_ERROR)]
    id = values.find_label(fields.get("id"))
    if id is None:
        return [Fault(number, MISSING if fields.get("id") in _ABSENT else WRONG_TYPE, "id")]
    wrong = {name: code for name, value in fields.items() if (code := _fault(name, value))}
    if len(id) > _MAX_ID_CHARACTERS:
        wrong["id"] = WRONG_FORMAT
    if wrong:
        return [Fault(number, code, name, id[:_MAX_ID_CHARACTERS]) for name, code in wrong.items()]
    return Record(id, line.strip())


def _fault(name: str, value: Raw) -> str | None:
    check = PROPERTIES.get(name)
    return None if check is None or value == _NULL else check(value)


def errors(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Return faults in the error format of the Product API, grouped by code and property."""
    grouped: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        grouped.setdefault((fault.code, fault.field), []).append(fault)
    return [
        {
            "code": code,
            "detail": group[0].detail,
            "meta": {
                **({"property": property} if property else {}),
                "error_count": len(group),
                "line_numbers": [fault.line for fault in group],
                **({"ids": [fault.id for fault in group]} if any(fault.id for fault in group) else {}),
            },
        }
        for (code, property), group in grouped.items()
    ]


PARSE_ERROR, MISSING = "PARSE_ERROR", "MISSING_REQUIRED_PROPERTY"
WRONG_TYPE, WRONG_FORMAT = "INVALID_PROPERTY_TYPE", "INVALID_PROPERTY_FORMAT"
DETAILS = {
    PARSE_ERROR: "The line is not a JSON object",
    MISSING: "The property {} is missing",
    WRONG_TYPE: "The property {} has a value of the wrong type",
    WRONG_FORMAT: "The property {} has a value that is too long or not one of those allowed",
}

_NULL = Raw(b"null")
_ABSENT = (None, _NULL, Raw(b'""'))


def _text(max_characters: int | None = None) -> Check:
    def fault(value: Raw) -> str | None:
        if not values.is_text(value):
            return WRONG_TYPE
        return WRONG_FORMAT if max_characters and len(values.text(value) or "") > max_characters else None

    return fault


def _one_of(*words: str) -> Check:
    def fault(value: Raw) -> str | None:
        if not values.is_text(value):
            return WRONG_TYPE
        return None if values.text(value) in words else WRONG_FORMAT

    return fault


def _date(value: Raw) -> str | None:
    if not values.is_text(value):
        return WRONG_TYPE
    try:
        return None if datetime.fromisoformat(values.text(value) or "").tzinfo else WRONG_FORMAT
    except ValueError:
        return WRONG_FORMAT


def _number(value: Raw) -> str | None:
    return WRONG_TYPE if values.is_text(value) or values.find_label(value) is None else None


def _list(value: Raw) -> str | None:
    try:
        _texts(value)
    except msgspec.ValidationError:
        return WRONG_TYPE
    return None


def _object(value: Raw) -> str | None:
    return WRONG_TYPE if objects.fields(value) is None else None


PROPERTIES: Mapping[str, Check] = {
    "name": _text(500),
    "description": _text(5000),
    **{f"category_{level}": _text(250) for level in range(1, 6)},
    "tags": _list,
    "condition": _one_of("new", "refurbished", "used"),
    "availability": _one_of("in_stock", "available", "pre_order", "out_of_stock"),
    "availability_date": _date,
    "expiration_date": _date,
    "price": _number,
    "sale_price": _number,
    "currency": _text(),
    "image_link": _text(2000),
    "link": _text(2000),
    "brand": _text(),
    **dict.fromkeys(("width", "length", "height", "weight"), _number),
    "size": _text(),
    "colors": _list,
    "gender": _one_of("male", "female", "unisex"),
    "gtin": _text(),
    "mpn": _text(),
    "custom": _object,
}
"""The checks by property; properties that are not listed are stored unchanged."""
