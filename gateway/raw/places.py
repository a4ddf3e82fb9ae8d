"""Places of events in a body, for people who look for a mistake in what they sent."""

import json
import re
from collections.abc import Iterator

import msgspec


class Place(msgspec.Struct, frozen=True):
    """Where an event is in a body of UTF-8 text."""

    line: int
    """From 1, like `column`, which counts characters."""
    column: int
    start: int
    """The first byte of the event, from 0."""
    end: int
    """One past the last byte."""


_SPACE = re.compile(r"[ \t\r\n]*")
# Numbers stay text: a number of 5,000 digits is not an error here.
_scan = json.JSONDecoder(parse_int=str, parse_float=str, strict=False).raw_decode


def find_entries(body: bytes) -> list[Place]:
    """
    Return the places of the entries of a list, or of the list under `batch`, or of the body itself.

    Returns none for a body that is not JSON, or nests too deeply to search.
    """
    try:
        text = body.decode()
        start = _skip(text, 0)
        spans = [*_entries(text, start)]
    except (ValueError, RecursionError, IndexError):
        return []
    return _places(text, spans)


def _entries(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield the span of each entry, in characters. Raises ValueError, IndexError or RecursionError."""
    if text[start] == "[":
        yield from _of_list(text, start)
        return
    if text[start] == "{":
        found = None
        place = _skip(text, start + 1)
        while text[place] != "}":
            name, place = _scan(text, place)
            value = _skip(text, _skip(text, place) + 1)
            _, place = _scan(text, value)
            if name == "batch" and text[value] == "[":
                found = value
            place = _skip(text, place)
            if text[place] == ",":
                place = _skip(text, place + 1)
        if found is not None:
            yield from _of_list(text, found)
            return
    yield start, _scan(text, start)[1]


def _of_list(text: str, start: int) -> Iterator[tuple[int, int]]:
    place = _skip(text, start + 1)
    while text[place] != "]":
        _, end = _scan(text, place)
        yield place, end
        place = _skip(text, end)
        if text[place] == ",":
            place = _skip(text, place + 1)


def _skip(text: str, place: int) -> int:
    """Return the place of the next character that is not white space."""
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _places(text: str, spans: list[tuple[int, int]]) -> list[Place]:
    places: list[Place] = []
    line, seen, size, begin = 1, 0, 0, 0
    for start, end in spans:
        between = text[seen:start]
        if newlines := between.count("\n"):
            line += newlines
            begin = text.rindex("\n", seen, start) + 1
        first = size + len(between.encode())
        event = text[start:end]
        size = first + len(event.encode())
        places.append(Place(line, start - begin + 1, first, size))
        if newlines := event.count("\n"):
            line += newlines
            begin = text.rindex("\n", start, end) + 1
        seen = end
    return places
