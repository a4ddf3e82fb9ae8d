"""10,000 of the nastiest events that the intake lets through, as the journal has them."""

import itertools
import random
from collections.abc import Iterator
from functools import cache

from gateway.config.units import Size
from gateway.sources import Source
from tests.build import Door

EVENTS = 10_000

_TEXTS = [
    r'""',
    r'"\u0000"',
    r'"a\u0000b\u0000"',
    r'"\ud800"',
    r'"a\udfff\ud83db"',
    r'"\ud83d\ude00"',
    '"\u2028\u2029\x7f\x85\ufeff\ufffe\u202e"',
    r'"\"\\\/\b\f\n\r\t"',
    r'"\\N"',
    r'"\\."',
    r'"{\"a\":1}"',
    r'"{{1}}"',
    '"\'; DROP TABLE events; --"',
    '"../../etc/passwd"',
    '"=cmd()"',
    '"a\\r\\nX-Injected: 1"',
    '"%s%n{0}{date}"',
    '"NaN"',
    '"1e999"',
    '"0000-00-00T00:00:00Z"',
    '"+275760-09-13T00:00:00.000Z"',
    '"é' + "e\u0301" * 60 + '"',
    '"' + "漢" * 300 + '"',
]
_NUMBERS = [
    "9" * 400,
    "-" + "9" * 400,
    "0." + "9" * 400,
    "1e400",
    "1e-400",
    "-0",
    "-0.0",
    "1.10",
    "9007199254740993",
    "18446744073709551616",
    "1E+2",
]
_OTHERS = [
    "null",
    "true",
    "[]",
    "{}",
    "[" * 60 + "]" * 60,
    '{"a":' * 60 + "1" + "}" * 60,
    '{"":"","":1}',
    '{"a":1,"a":2,"A":3}',
    r'{"\u0000":1,"\ud800":2}',
    '{"__proto__":1,"constructor":{"prototype":{}}}',
    '{"$ref":"#","a.b":{"c[0]":1}," ":{" ":" "}}',
    '{"' + "k" * 500 + '":1}',
    '{"id":1,"type":2,"position":3,"loaded_at":4,"more":5}',
    "[" + ",".join('{"a":[1,"2",null]}' for _ in range(50)) + "]",
    "{" + ",".join(f'"k{n}":{n}' for n in range(300)) + "}",
    '\n{ \t"a" :\r\n 1 }\n',
]
_VALUES = [*_TEXTS, *_NUMBERS, *_OTHERS]
_OBJECTS = ("properties", "traits", "context", "integrations")
_IDS = ("userId", "anonymousId", "name", "category", "channel", "timestamp", "originalTimestamp", "sentAt")
_TYPES = ("track", "page", "screen", "identify", "group", "alias")
_LARGE = 12  # fewer than a sink may refuse within a minute
_LARGE_CHARACTERS = 200_000
_BATCH = 100


@cache
def nasty_lines() -> list[bytes]:
    """Return the events, whose messageIds are "n0", "n1" and so on, some of them left out."""
    chance = random.Random(0)
    bodies = itertools.chain(_singles(), _mixtures(chance))
    source = Source("default", ("dev",), max_event=Size(2**20), max_body=Size(2**24))
    lines: list[bytes] = []
    number = 0
    while len(lines) < EVENTS:
        texts = []
        for body in itertools.islice(bodies, _BATCH):
            texts.append(f'{{"messageId":"n{number}",{body}}}')
            number += 1
        door = Door(source)  # each has a turn of its own for large bodies
        answer = door.post("/v1/batch", f'{{"batch":[{",".join(texts)}]}}'.encode())
        assert answer.status in (200, 207), answer
        lines += door.journal.lines
    return lines[:EVENTS]


def _singles() -> Iterator[str]:
    """Yield events with one nasty value, at each place."""
    for _ in range(_LARGE):
        yield f'"type":"track","userId":"u1","event":"Large","properties":{{"a":"{"x" * _LARGE_CHARACTERS}"}}'
    for value in _VALUES:
        for place in _OBJECTS:
            yield f'"type":"track","userId":"u1","event":"E","{place}":{{"a":{value}}}'
        yield f'"type":"track","userId":"u1","event":"E","context":{{"page":{{"url":{value}}}}}'
        yield f'"type":"track","userId":"u1","event":"E","unknown":{value}'
    for text in _TEXTS[1:]:
        yield f'"type":"track","userId":"u1","event":{text}'
        for place in _IDS:
            yield f'"type":"track","userId":"u1","event":"E","{place}":{text}'


def _mixtures(chance: random.Random) -> Iterator[str]:
    """Yield events of all types with several nasty values, without end."""
    while True:
        kind = chance.choice(_TYPES)
        fields = [f'"type":"{kind}"', f'"userId":"u{chance.randrange(5)}"']
        if kind == "track":
            fields.append(f'"event":{chance.choice(_TEXTS[1:])}')
        if kind == "group":
            fields.append(f'"groupId":{chance.choice(_TEXTS[1:])}')
        if kind == "alias":
            fields.append(f'"previousId":{chance.choice(_TEXTS[1:])}')
        for place in chance.sample(_OBJECTS, 2):
            keys = (f"{chance.choice(_TEXTS)}:{chance.choice(_VALUES)}" for _ in range(chance.randrange(3)))
            fields.append(f'"{place}":{{{",".join(keys)}}}')
        fields.append(f'"{chance.choice(_IDS[1:])}":{chance.choice(_TEXTS)}')
        yield ",".join(fields)
