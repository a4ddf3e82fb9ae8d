"""An event of Segment's comes out with all that it had, and with no more than the contract adds."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.event import TYPES
from tests.build import Door

IDS = ("messageId", "userId", "anonymousId", "groupId", "previousId")
OBJECTS = ("properties", "traits", "context", "integrations")
TIMES = ("timestamp", "originalTimestamp", "sentAt")
KNOWN = {"type", "event", "name", "category", "channel", *IDS, *OBJECTS, *TIMES}
ADDED = {"messageId", "timestamp", "originalTimestamp", "receivedAt", "source", "warnings"}
"""Besides empty objects, what is filled into the context, and `extras`."""

SERVER = {"User_Agent": "sdk/1"}
BROWSER = {"User_Agent": "Mozilla/5.0", "Origin": "https://shop.example"}

Fields = dict[str, str]
"""Of an object, each with its JSON, so that numbers have digits."""


def to_object(fields: Fields) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in fields.items()) + "}"


def to_list(entries: list[str]) -> str:
    return "[" + ",".join(entries) + "]"


written = partial(json.dumps, ensure_ascii=False)
names = partial(st.text, max_size=8)
TEXTS = st.text(max_size=20).map(written) | st.text(max_size=20).map(json.dumps)
LABELS = TEXTS.filter(lambda text: text != '""')
NUMBERS = (
    st.integers().map(str)
    | st.integers(10**30, 10**60).map(str)
    | st.builds("{}.{}".format, st.integers(), st.integers(0).map(str))
    | st.sampled_from(["-0", "1.50", "1e5", "1E+400", "-2.00e-400"])
)
VALUES = st.recursive(
    st.sampled_from(["null", "true", "false"]) | NUMBERS | TEXTS,
    lambda below: (
        st.lists(below, max_size=3).map(to_list) | st.dictionaries(names(), below, max_size=3).map(to_object)
    ),
    max_leaves=6,
)
PARTS = st.dictionaries(names(), VALUES, max_size=4)
CONTEXTS = st.builds(
    lambda more, fields: more | fields,
    PARTS,
    st.fixed_dictionaries(
        {},
        optional={
            "direct": st.just("true") | VALUES,
            **dict.fromkeys(("ip", "userAgent", "consent", "library", "page", "traits"), VALUES),
        },
    ),
)
# Long ago, so that no clock is taken to be wrong; and written as we do: how else has tests of its own.
INSTANTS = st.datetimes(datetime(2001, 1, 1), datetime(2020, 1, 1)).map(  # noqa: DTZ001  # as hypothesis wants
    lambda instant: f'"{instant.isoformat(timespec="milliseconds")}Z"'
)
EVENTS = st.builds(
    lambda more, fields, who: more | fields | who,
    st.dictionaries(
        names().filter(lambda name: name not in KNOWN)
        | st.sampled_from(["_metadata", "section", "version", "receivedAt", "source", "extras"]),
        VALUES,
        max_size=3,
    ),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(sorted(TYPES)).map(json.dumps),
            "event": LABELS,
            "groupId": LABELS | NUMBERS,
            "previousId": LABELS | NUMBERS,
        },
        optional={
            "messageId": LABELS,
            **dict.fromkeys(("name", "category", "channel"), LABELS),
            **dict.fromkeys(("properties", "traits", "integrations"), PARTS.map(to_object)),
            "context": CONTEXTS.map(to_object),
            **dict.fromkeys(TIMES, INSTANTS),
        },
    ),
    st.fixed_dictionaries({"userId": LABELS | NUMBERS}) | st.fixed_dictionaries({"anonymousId": LABELS}),
)
WAYS = st.sampled_from(
    [
        ("/v1/{type}", "{event}"),
        ("/v1/{type[0]}", " {event}\n"),
        ("/v1/batch", '{{"batch":[{event}]}}'),
        ("/v1/import", "[{event}]"),
    ]
)


@settings(max_examples=200)
@given(EVENTS, WAYS, st.sampled_from([SERVER, BROWSER]))
@example({"type": '"page"', "userId": "7", "context": '{"direct":true}'}, ("/v1/page", "{event}"), SERVER)
@example({"type": '"page"', "userId": '"u"', "source": '{"a":1.0}'}, ("/v1/batch", "{event}"), BROWSER)
@example({"type": '"page"', "userId": '"u"', "context": '{"ip":"","a":1}'}, ("/v1/page", "{event}"), BROWSER)
def test_an_event_comes_out_with_all_it_had_and_what_the_contract_adds(
    event: Fields, way: tuple[str, str], headers: dict[str, str]
) -> None:
    door = Door()
    path, body = way
    sent = dict(exact(to_object(event)))
    sent |= {name: sent[name].decode() for name in IDS if isinstance(sent.get(name), bytes)}
    context = sent.get("context", ())

    door.post(
        path.format(type=json.loads(event["type"])), body.format(event=to_object(event)).encode(), **headers
    )

    [line] = door.journal.lines
    arrived = dict(exact(line))
    extras = dict(arrived.pop("extras", ()))
    expected = {
        **dict.fromkeys(OBJECTS, ()),
        **{name: value for name, value in sent.items() if name in KNOWN},
        "context": fill_in(dict(context), headers),
    }
    assert {name: arrived.get(name) for name in expected} == expected
    assert extras == {name: value for name, value in sent.items() if name not in KNOWN}
    assert arrived.keys() - expected.keys() <= ADDED


def exact(text: str | bytes) -> Any:
    """JSON to the digit and in its order: a number is bytes, an object a tuple of pairs."""
    return json.loads(text, object_pairs_hook=tuple, parse_int=str.encode, parse_float=str.encode)


def fill_in(context: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[tuple[str, Any], ...]:
    """Return a context with the fields that it is given where it has none of its own, or empty ones."""
    known = {"ip": "192.0.2.1", "userAgent": headers["User_Agent"]}
    if headers is not BROWSER:
        known = {"ip": known["ip"]} if context.get("direct") is True else {}
    filled = {name: value for name, value in known.items() if context.get(name) in (None, "")}
    return tuple({**context, **filled}.items())
