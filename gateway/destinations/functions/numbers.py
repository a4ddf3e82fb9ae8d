"""Numbers, instants, and ids that are always the same for the same text."""

import hashlib
import math
import re
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID
from uuid import uuid5 as make_uuid5

from gateway.raw import timestamps

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_MAX_CHARACTERS = 64
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID = re.compile(f"[0-7][{_CROCKFORD}]{{25}}")
_ULID_TIME_BITS = 48
_ID36 = re.compile(r"[A-Za-z0-9-]{1,36}")


def number(value: Any) -> int | float | None:
    """A number, which may be written as a text."""
    if isinstance(value, str):
        value = value.strip()
        if len(value) > _MAX_CHARACTERS or not _NUMBER.fullmatch(value):
            return None
        value = float(value) if not value.lstrip("+-").isdecimal() else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


def int_(value: Any) -> int | None:
    """A whole number; a fraction is cut off."""
    found = number(value)
    return None if found is None else int(found)


def time_ms(value: Any) -> int | None:
    """An instant in milliseconds since 1970."""
    if isinstance(value, str):
        found = timestamps.read_ours(value)
        if found is not None:
            return found
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return timestamps.read(value)
    except ValueError:
        return None


def time_s(value: Any) -> int | None:
    """An instant in whole seconds since 1970."""
    found = time_ms(value)
    return None if found is None else found // 1000


def time_us(value: Any) -> int | None:
    """An instant in microseconds since 1970."""
    found = time_ms(value)
    return None if found is None else found * 1000


def iso(value: Any) -> str | None:
    """An instant as `2026-01-31T12:00:00.000Z`."""
    found = time_ms(value)
    return None if found is None else timestamps.write(found)


def date(value: Any, form: str = "%Y-%m-%d") -> str | None:
    """An instant in a form of `strftime`, in UTC."""
    found = time_ms(value)
    return None if found is None else datetime.fromtimestamp(found / 1000, UTC).strftime(form)


def uuid5(value: str) -> str:
    """A UUID: the text itself if it is one, else a version 5 UUID of it."""
    try:
        return str(UUID(value))
    except ValueError:
        return str(make_uuid5(NAMESPACE_URL, value.encode("utf-8", "replace").decode()))


def id36(value: str) -> str:
    """At most 36 letters, digits and `-`: the text itself if it fits, else a UUID of it."""
    return value if _ID36.fullmatch(value) else uuid5(value)


def event_ulid(event: Any) -> str | None:
    """A ULID of the whole event: of its time and the hash of its `messageId`, or that id if it is one."""
    found = event if isinstance(event, dict) else {}
    message_id, moment = found.get("messageId"), time_ms(found.get("timestamp"))
    if not isinstance(message_id, str) or moment is None or not 0 <= moment < 1 << _ULID_TIME_BITS:
        return None
    made = ulid(message_id)
    if made == message_id:
        return made
    time = "".join(_CROCKFORD[moment >> shift & 31] for shift in range(45, -5, -5))
    return time + made[len(time) :]


def ulid(value: str) -> str:
    """A ULID: the text itself if it is one, else one of its hash."""
    if _ULID.fullmatch(value):
        return value
    bits = int.from_bytes(hashlib.sha256(value.encode("utf-8", "replace")).digest()[:16])
    return "".join(_CROCKFORD[bits >> shift & 31] for shift in range(125, -5, -5))
