"""Write numbers, sizes and times for people."""

from collections.abc import Callable
from datetime import UTC, datetime

from markupsafe import Markup

_UNITS = ("B", "KB", "MB", "GB", "TB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def number(value: float) -> str:
    """Return a number with separators; small fractions keep two digits."""
    if isinstance(value, float) and not value.is_integer() and abs(value) < 100:
        return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{round(value):,}"


def size(octets: int) -> str:
    """Return a size in the most suitable unit; 1 KB is 1,024 bytes, as in the configuration."""
    value, unit = float(octets), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:,.0f} {_UNITS[unit]}" if unit == 0 or value >= 100 else f"{value:,.1f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """Return a duration in the largest unit of which there are at least two, or in seconds."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    for unit, name in ((_DAY, "days"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name}"
    return f"{seconds:,.0f} s"


def moment(time: str | None) -> Markup | str:
    """
    Return an ISO 8601 time as an element, which the script shows in the reader's time zone.

    Without the script it is in UTC, and says so.
    """
    try:
        parsed = datetime.fromisoformat(time or "").astimezone(UTC)
    except ValueError:
        return time or "\N{EN DASH}"
    title = parsed.strftime("%Y-%m-%d %H:%M:%S.") + f"{parsed.microsecond // 1000:03} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        time, title, parsed.strftime("%d %b %H:%M:%S UTC")
    )


def plural(count: int, word: str) -> str:
    """Return a count with its noun, such as "1 event" or "1,200 events"."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def units(text: str) -> Markup:
    """Return a number with its unit, the unit smaller."""
    value, _, unit = text.partition(" ")
    return Markup("{}<small>{}</small>").format(value, unit)


def sentence(text: str) -> str:
    """Return a text with an initial capital and a full stop at the end."""
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def capfirst(text: str) -> str:
    """Return a text with an initial capital, and the rest as it is."""
    return f"{text[:1].upper()}{text[1:]}"


FILTERS: dict[str, Callable[..., object]] = {
    "number": number,
    "size": size,
    "duration": duration,
    "moment": moment,
    "plural": plural,
    "units": units,
    "sentence": sentence,
    "capfirst": capfirst,
}
"""The filters of the templates, by name."""
