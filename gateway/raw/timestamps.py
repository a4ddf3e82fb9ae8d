"""
Instants as clients write them, and as we do: ISO-8601 in UTC with milliseconds and "Z".

Inside the gateway an instant is a whole number of milliseconds since 1970.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MILLISECOND = timedelta(milliseconds=1)

# 1973-03-03 in milliseconds: a number below it was meant as seconds, or its clock was never set.
_EARLIEST_NUMBER = 100_000_000_000
# Go writes the year 1 for a time that was never set.
_EARLIEST_YEAR = 1000

# What datetime.fromisoformat does not take: "2017-12-5T1:02:03z" (MetaRouter's documents), 24:00, :60.
_LENIENT = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:[Tt ]+(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:[.,](?P<fraction>\d+))?)?)?"
    r" *(?P<zone>[Zz]|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)
_OURS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)


class Suspect(ValueError):
    """The instant can be read, but not be meant."""


def read(value: str | int | float) -> int:
    """Take any ISO-8601 variant, or milliseconds since 1970 as number or digits; else ValueError."""
    if isinstance(value, str):
        if not (_NUMBER.fullmatch(value) and len(value) > 8):  # 20261121 is a date
            instant = _read_text(value)
            if instant.year < _EARLIEST_YEAR:
                raise Suspect(value)
            if instant.tzinfo is None:
                instant = instant.replace(tzinfo=UTC)
            return (instant - _EPOCH) // _MILLISECOND
        value = value.partition(".")[0]
    milliseconds = int(value)
    if milliseconds < _EARLIEST_NUMBER:
        raise Suspect(value)
    write(milliseconds)  # or no calendar holds it
    return milliseconds


def _read_text(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        found = _LENIENT.fullmatch(value.strip())
        if not found:
            raise
    part = found.groupdict(default="0")
    fraction = part["fraction"].ljust(6, "0")[:6]
    zone = (found["zone"] or "Z").upper()
    midnight = datetime.fromisoformat(f"{part['year']}-{part['month']:0>2}-{part['day']:0>2}T00:00:00{zone}")
    hour, minute, second = int(part["hour"]), int(part["minute"]), int(part["second"])
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and minute + second > 0):
        raise ValueError(f"not a time of day: {value}")
    try:
        return midnight + timedelta(hours=hour, minutes=minute, seconds=second, microseconds=int(fraction))
    except OverflowError as error:
        raise ValueError(f"no date: {value}") from error


def write(milliseconds: int) -> str:
    """Write an instant in our format; ValueError if no calendar holds it."""
    return _write_second(milliseconds // 1000) + _TAILS[milliseconds % 1000]


def read_ours(value: str) -> int | None:
    """An instant that is already in our format, down to the calendar; None for all other texts."""
    rest = _RESTS.get(value[19:])
    if rest is None:
        return None
    try:
        return _read_second(value[:19]) * 1000 + rest
    except ValueError:
        return None


_TAILS = [f".{rest:03d}Z" for rest in range(1000)]
_RESTS = {tail: rest for rest, tail in enumerate(_TAILS)}


# Most instants of one moment lie in the same few seconds: 0.1 µs instead of 1.
@lru_cache(1024)
def _write_second(second: int) -> str:
    try:
        return (_EPOCH + timedelta(seconds=second)).isoformat()[:19]
    except OverflowError as error:
        raise ValueError(f"no date: {second} s") from error


@lru_cache(1024)
def _read_second(value: str) -> int:
    if not _OURS.fullmatch(value):
        raise ValueError(value)
    instant = datetime.fromisoformat(value)
    if instant.year < _EARLIEST_YEAR:
        raise Suspect(value)
    return (instant.replace(tzinfo=UTC) - _EPOCH) // _SECOND
