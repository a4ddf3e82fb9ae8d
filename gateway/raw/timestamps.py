"""
Read instants as clients write them, and write them in our format: ISO 8601 in UTC with milliseconds and "Z".

Inside the gateway an instant is a whole number of milliseconds since 1970.
"""

import re
from calendar import isleap
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH_DAY = date(1970, 1, 1).toordinal()

# 1973-03-03: a smaller number was meant as seconds, or the clock was never set.
_MIN_NUMBER_MS = 100_000_000_000
# Go writes the year 1 for a time that was never set; the Japanese calendar counts the years of an era.
_MIN_YEAR = 1000
_MIN_TEXT_MS = (datetime(_MIN_YEAR, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_MAX_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
# The longest are those of Date.toString(), with the name of a time zone in words.
_MAX_CHARACTERS = 128

_OURS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
# What datetime.fromisoformat reads correctly. In Python 3.11 it also reads 16:00,5 as half a second, and the
# offset of a date, as in 2026-11-21-05:00, as a time.
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d(?::?[0-5]\d)?)?", re.ASCII)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)

# Direction marks that languages put among digits (left-to-right, right-to-left, Arabic), and a minus sign.
_MARKS = {0x200E: None, 0x200F: None, 0x061C: None, 0x2212: "-"}

_MONTH = (
    "(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?"
    "|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_WEEKDAY = "(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},? )?"
_DATES = (
    r"(?P<year>\d{4})(?P<dash>[-/.])(?P<month>\d{1,2})(?P=dash)(?P<day>\d{1,2})",
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
    r"(?P<year>\d{4})-(?P<ordinal>\d{3})",
    r"(?P<year>\d{4})(?P<ordinal>\d{3})(?=T)",  # seven digits alone may be anything
    r"(?P<year>\d{4})-?W(?P<week>\d\d)(?:-?(?P<weekday>\d))?",
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})[ -]{_MONTH}[ -](?P<year>\d{{4}})",  # RFC 2822, HTTP
    rf"{_WEEKDAY}{_MONTH} (?P<day>\d{{1,2}}),? (?P<year>\d{{4}})",  # JavaScript's Date.toString()
)
_FRACTION = r"(?:[.,]|:(?=\d{3}(?!\d)))(?P<fraction>\d+)"
# An iPhone set to 12-hour time adds "AM" or "PM" to what an app formats without its own locale.
_HALF = r"(?: ?(?P<half>[ap])(?:m|\. ?m\.))?"
_TIMES = (
    rf"(?P<hour>\d{{1,2}}):(?P<minute>\d{{1,2}})(?::(?P<second>\d{{1,2}})(?:{_FRACTION})?)?{_HALF}",
    rf"(?P<hour>\d\d)(?:(?P<minute>\d\d)(?:(?P<second>\d\d)(?:{_FRACTION})?)?)?",
)
# A query turns "+" into a space. After an offset, a name adds nothing: Go's "CET" and "m=+0.01", Java's
# "[Europe/Paris]", JavaScript's "(Central European Standard Time)". A name alone is read only if it can mean
# only one offset: CST is Chicago's in RFC 2822, and Shanghai's in Java; email.utils reads CET as UTC.
_OFFSET = (
    r"(?: |(?:UTC|GMT) ?)?(?P<sign>[+ -])(?P<hours>\d\d|(?<=(?:UTC|GMT)[+ -])\d)(?::?(?P<minutes>\d\d))?"
    r"(?: (?:[A-Z]{3,5}|[+-]?\d\d(?:\d\d)?))?(?: m=[+ -]?[\d.]+)?"
)
# analytics-swift wrote a colon before "Z" in its first versions (its issue 75).
_ZONE = rf"(?: ?:?(?:Z|UTC?|GMT|{_OFFSET})(?:\[[^\[\]]*\])*(?: \([^()]*\))?)?"
_FORMS = tuple(
    re.compile(form, re.ASCII | re.IGNORECASE)
    for form in (
        *(f"{day}(?:(?:T ?|,? ){time}{_ZONE})?" for day in _DATES for time in _TIMES),
        rf"{_WEEKDAY}{_MONTH} (?P<day>\d{{1,2}}) {_TIMES[0]}{_ZONE} (?P<year>\d{{4}})",  # C, Java, Twitter
    )
)


class Suspect(ValueError):
    """The instant can be read, but cannot be what the client meant."""


def read(value: str | int | float) -> int:
    """
    Return an instant in milliseconds since 1970, from milliseconds as a number or in digits, or from a text.

    A text may have any form with one meaning: ISO 8601 and the variants that languages write, RFC 2822,
    JavaScript's Date.toString(), C's ctime(). Without an offset it is in UTC. Raises Suspect if a number is
    smaller than any client's clock, or a year less than 1000; ValueError for anything else but an instant.
    """
    if not isinstance(value, str):
        return _read_number(value)
    if _ISO.fullmatch(value):
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            pass  # it may be 24:00, or a leap second
        else:
            if instant.tzinfo is None:
                instant = instant.replace(tzinfo=UTC)
            return _check((instant - _EPOCH) // _MILLISECOND, _MIN_TEXT_MS)
    text = _to_ascii(value)
    if len(text) > 8 and _NUMBER.fullmatch(text):  # 20261121 is a date
        return _read_number(int(text.partition(".")[0]))
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _check(_combine(found.groupdict()), _MIN_TEXT_MS)
    raise ValueError(f"no known form of an instant: {text}")


def _read_number(value: float) -> int:
    try:
        return _check(int(value), _MIN_NUMBER_MS)
    except OverflowError as error:
        raise ValueError("infinity is no instant") from error


def _check(milliseconds: int, minimum: int) -> int:
    if milliseconds < minimum:
        raise Suspect(f"{milliseconds} ms")
    if milliseconds > _MAX_MS:
        raise ValueError("after the year 9999")
    return milliseconds


def write(milliseconds: int) -> str:
    """Write an instant in our format. Raises ValueError if it is outside the years 1 to 9999."""
    return _write_second(milliseconds // 1000) + _TAILS[milliseconds % 1000]


def read_ours(value: str) -> int | None:
    """Return the milliseconds of an instant in our format; None for any other text."""
    try:
        return _RESTS[value[19:]] + _read_second(value[:19])
    except (KeyError, ValueError):
        return None


_TAILS = [f".{rest:03d}Z" for rest in range(1000)]
_RESTS = {tail: rest for rest, tail in enumerate(_TAILS)}


# Most instants of one moment are within the same few seconds: 0.1 µs instead of 1.
@lru_cache(1024)
def _write_second(second: int) -> str:
    try:
        return (_EPOCH + timedelta(seconds=second)).isoformat()[:19]
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999") from error


@lru_cache(1024)
def _read_second(value: str) -> int:
    if not _OURS.fullmatch(value):
        raise ValueError(value)
    instant = datetime.fromisoformat(value)
    if instant.year < _MIN_YEAR:
        raise Suspect(value)
    return (instant.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND


def _to_ascii(text: str) -> str:
    """Write digits of all scripts in ASCII, white space as single spaces. Raises ValueError if too long."""
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"more than {_MAX_CHARACTERS} characters")
    if not text.isascii():
        digits = (str(int(each)) if each.isdecimal() else each for each in text.translate(_MARKS))
        text = "".join(digits)
    return " ".join(text.split())


def _combine(part: dict[str, str | None]) -> int:
    seconds = (_day(part) - _EPOCH_DAY) * 86_400 + _second_of_day(part) - _offset(part)
    return seconds * 1000 + int((part.get("fraction") or "").ljust(3, "0")[:3])


def _day(part: dict[str, str | None]) -> int:
    """Return the ordinal of the day. Raises ValueError if no calendar has it."""
    year = int(part["year"] or 0)
    if ordinal := int(part.get("ordinal") or 0):
        if ordinal > 365 + isleap(year):
            raise ValueError(f"the year {year} has no day {ordinal}")
        return date(year, 1, 1).toordinal() + ordinal - 1
    if week := part.get("week"):
        return date.fromisocalendar(year, int(week), int(part["weekday"] or 1)).toordinal()
    name = part.get("name")
    month = _MONTHS.index(name[:3].lower()) + 1 if name else int(part.get("month") or 0)
    return date(year, month, int(part.get("day") or 0)).toordinal()


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _second_of_day(part: dict[str, str | None]) -> int:
    """Return the seconds since midnight: 24:00 is the next midnight, and a leap second the next minute."""
    hour, minute, second = (int(part.get(name) or 0) for name in ("hour", "minute", "second"))
    if half := part.get("half"):
        if not 1 <= hour <= 12:
            raise ValueError(f"no hour of half a day: {hour}")
        hour = hour % 12 + (12 if half in "pP" else 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and minute + second > 0):
        raise ValueError(f"no time of day: {hour}:{minute}:{second}")
    return hour * 3600 + minute * 60 + second


def _offset(part: dict[str, str | None]) -> int:
    """Return the seconds that a time zone is ahead of UTC; a sign that is a space was a plus."""
    hours, minutes = int(part.get("hours") or 0), int(part.get("minutes") or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(f"no offset from UTC: {hours}:{minutes}")
    return (hours * 3600 + minutes * 60) * (-1 if part.get("sign") == "-" else 1)
