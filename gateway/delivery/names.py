"""The names of events, counted without decoding the events."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from gateway.diagnostics.minutes import Name
from gateway.event import TYPES, read_subject

MAX_COUNTED = 500
"""
The largest batch whose names are all counted; in a larger one, they are estimated from a sample.

Looking at each event of a backlog would make its delivery slower by a tenth.
"""

_EVENT = b'","event":"'
_PROPERTIES = b',"properties":'
_START = b'{"type":"'
_TYPE = len(_START)
_decode = msgspec.json.Decoder(str).decode
_BY_FIRST_LETTER = {ord(type[0]): type for type in TYPES}


def count_batch(data: bytes, events: int) -> Counter[Name]:
    """
    Return the number of canonical events by type and name in a block of lines, each with its line end.

    The sum is exact; with more than MAX_COUNTED events, the shares of the names are those of a sample.
    """
    if events <= MAX_COUNTED:
        return count(data.split(b"\n")[:-1])
    return scale(count(_sample(data)), events)


def scale(sample: Counter[Name], events: int) -> Counter[Name]:
    """Return `events` events, divided among names as in the sample, which must not be empty."""
    total = sample.total()
    found = Counter({name: events * number // total for name, number in sample.items()})
    found[sample.most_common(1)[0][0]] += events - found.total()
    return found


def count(lines: Iterable[bytes]) -> Counter[Name]:
    """
    Return the number of canonical events by type and name.

    A line begins with the type, and only texts stand before the properties (event.py), so that `","event":"`
    there is the field: within a text, its quotes would be escaped.
    """
    found: dict[tuple[int, bytes], int] = {}
    unusual: list[bytes] = []
    for line in lines:
        at = line.find(_EVENT)
        if not line.startswith(_START):
            unusual.append(line)  # an event of another writer
            continue
        if at < 0 or line.find(_PROPERTIES, 0, at) > 0:
            key = line[_TYPE], b""
        else:
            start = at + len(_EVENT)
            end = line.find(b'"', start)
            if line[end - 1] == 0x5C:  # a backslash, so that the name has escapes
                unusual.append(line)
                continue
            key = line[_TYPE], line[start:end]
        found[key] = found.get(key, 0) + 1
    plain = {key: number for key, number in found.items() if b"\\" not in key[1]}
    names: Counter[Name] = Counter(
        {(_BY_FIRST_LETTER[letter], name.decode()): number for (letter, name), number in plain.items()}
    )
    for (letter, name), number in found.items() - plain.items():
        names[_BY_FIRST_LETTER[letter], _decode(b'"%b"' % name)] += number
    names.update(_read_names(unusual))
    return names


def _read_names(lines: Sequence[bytes]) -> Iterator[Name]:
    for line in lines:
        subject = read_subject(line)
        yield subject.type, subject.event


def _sample(data: bytes) -> Iterator[bytes]:
    """Yield about MAX_COUNTED lines, from all over the block."""
    for offset in range(0, len(data), len(data) // MAX_COUNTED + 1):
        start = data.find(b"\n", offset) + 1
        if start < len(data):  # otherwise it was the last line
            yield data[start : data.find(b"\n", start)]
