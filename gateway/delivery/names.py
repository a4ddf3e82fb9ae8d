"""The names of events, counted without decoding the events."""

from collections import Counter
from collections.abc import Iterable

from gateway.diagnostics.minutes import Name
from gateway.event import read_subject

_EVENT = b'","event":"'
_PROPERTIES = b',"properties":'
_TYPE = len(b'{"type":"')


def count(lines: Iterable[bytes]) -> Counter[Name]:
    """
    Return the number of canonical events by type and name.

    A line begins with the type, and only texts stand before the properties (event.py), so that `","event":"`
    there is the field: within a text, its quotes would be escaped.
    """
    found: Counter[tuple[bytes, bytes]] = Counter()
    for line in lines:
        type = line[_TYPE : line.find(b'"', _TYPE)]
        at = line.find(_EVENT, 0, line.find(_PROPERTIES))
        if at < 0:
            found[type, b""] += 1
            continue
        start = at + len(_EVENT)
        name = line[start : line.find(b'"', start)]
        if b"\\" in name:
            name = read_subject(line).event.encode()
        found[type, name] += 1
    return Counter({(type.decode(), name.decode()): events for (type, name), events in found.items()})
