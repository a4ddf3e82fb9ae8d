"""However large a batch its source allows, an odd value in it costs its own message at most."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.units import Size
from gateway.raw.bodies import MAX_LEVELS
from gateway.sources import Source
from tests.build import Door, to_json, track

LARGE = Source("default", ("dev",), max_events=100_000, max_body=Size(8 * 1024 * 1024))


def test_a_number_for_a_text_costs_nothing_among_30_000() -> None:
    door = Door(LARGE)
    events = [{"type": "page", "userId": "u"}] * 30_000 + [{"type": "page", "userId": 7}]

    answer = door.post("/v1/batch", {"batch": events})

    assert (answer.status, answer.json["Accepted"]) == (200, 30_001)


def test_a_late_nan_costs_nothing_among_9_000() -> None:
    door = Door(LARGE)
    event = to_json(track(properties={"a": [{"b": 1}] * 5, "text": "x" * 700}))
    late = b'{"type":"track","userId":"u","event":"E","properties":{"x":NaN}}'
    body = b'{"batch":[%b,%b]}' % (b",".join([event] * 9_000), late)

    answer = door.post("/v1/batch", body)

    assert len(body) > 7 * 1024 * 1024
    assert (answer.status, answer.json["Accepted"]) == (200, 9_001)
    assert door.events[-1]["warnings"] == [{"code": "not_a_number", "field": "properties.x", "detail": "NaN"}]


def test_a_nan_in_each_of_many_costs_nothing() -> None:
    door = Door(LARGE)
    event = b'{"type":"track","userId":"u","event":"E","properties":{"x":NaN,"y":[{"z":"\\ud83d"}]}}'

    door.post("/v1/batch", b"[" + b",".join([event] * 6_000) + b"]")

    assert [len(event["warnings"]) for event in door.events] == [2] * 6_000


def test_an_event_of_hardly_anything_but_brackets_costs_its_neighbours_nothing() -> None:
    door = Door()
    brackets = b'{"type":"track","userId":"u","event":"E","properties":[NaN,%b[]]}' % (b"[1]," * 110_000)
    nan = b'{"type":"track","userId":"u","event":"E","properties":{"x":NaN,"y":"\\ud83d\\n NaN"}}'

    answer = door.post("/v1/batch", b"[NaN,%b,%b,%b]" % (brackets, nan, to_json(track(event="last"))))

    assert [error["Index"] for error in answer.json["Errors"]] == [0, 1]
    assert [event["properties"] for event in door.events] == [{"x": None, "y": "\ufffd\n NaN"}, {}]


@pytest.mark.parametrize("entries", [b"1", b"{}", b"[]", b'{"userId":7}'], ids=repr)
@pytest.mark.parametrize("path", ["/v1/batch", "/v1/webhook?writeKey=dev", "/api/s/s2s/batch"])
def test_too_many_entries_are_refused_before_each_is_read(path: str, entries: bytes) -> None:
    door = Door()

    answer = door.post(path, b"[" + b",".join([entries] * 30_000) + b"]")

    assert (answer.status, answer.json["code"], door.events) == (400, "too_many_events", [])


def nested(levels: int, opening: bytes = b'{"a":', closing: bytes = b"}") -> bytes:
    """A value that nests so many levels deep."""
    return opening * levels + b"1" + closing * levels


EVENT = b'{"type":"track","userId":"u","event":"E","%b":%b}'
WAYS = {"/v1/track": b"%b", "/v1/batch": b'{"batch":[%b]}', "/v1/import": b"[%b]", "/v1/webhook?x=1": b"%b"}


@pytest.mark.parametrize("path", WAYS)
@pytest.mark.parametrize("field", [b"properties", b"context", b"traits"])
@pytest.mark.parametrize("extra", [b"", b',"x":NaN', b',"section":1'], ids=["plain", "NaN", "unknown field"])
def test_an_event_may_nest_as_deep_as_is_allowed_and_no_deeper(path: str, field: bytes, extra: bytes) -> None:
    door = Door()
    deepest = (
        EVENT % (field, nested(MAX_LEVELS - 1))
        if not extra
        else EVENT[:-1]
        % (
            field,
            nested(MAX_LEVELS - 1),
        )
        + extra
        + b"}"
    )
    deeper = deepest.replace(b":1}", b':{"a":1}}', 1)

    good = door.post(path, WAYS[path] % deepest)
    bad = door.post(path, WAYS[path] % deeper)

    assert (good.status, len(door.events)) == (200, 1)
    errors = bad.json.get("Errors", [bad.json])
    assert [(error["code"], "nested too deep" in error["Details"]) for error in errors] == [
        ("invalid_field", True)
    ]


@pytest.mark.parametrize(
    ("path", "body", "above"),
    [
        ("/v1/batch", b'{"batch":[{"type":"track","userId":"u","event":"E","section":%b}]}', 2),
        ("/v1/batch", b'{"batch":[{"type":"track","userId":"u","event":"E","_metadata":%b}]}', 2),
        ("/v1/batch", b'{"context":{"a":%b},"batch":[{"type":"track","userId":"u","event":"E"}]}', 2),
        ("/events/batch?token=dev", b'{"batch":[{"event_name":"e","user":{"a":1},"context":{"app":%b}}]}', 2),
        ("/events/batch?token=dev", b'{"batch":[{"event_name":"e","user":{"a":1},"b":%b}]}', 2),
    ],
    ids=["unknown field", "_metadata", "inherited context", "context of Commanders Act", "its property"],
)
def test_levels_count_wherever_they_lie_in_the_event(path: str, body: bytes, above: int) -> None:
    door = Door()

    for levels in (MAX_LEVELS - above, MAX_LEVELS - above + 1):
        door.post(path, body % nested(levels))

    assert len(door.events) == 1


@pytest.mark.parametrize("levels", [MAX_LEVELS, 600, 990, 2_000, 10_000, 70_000])
@pytest.mark.parametrize(("opening", "closing"), [(b'{"a":', b"}"), (b"[", b"]")], ids=["objects", "lists"])
def test_a_deep_event_costs_its_neighbours_nothing(levels: int, opening: bytes, closing: bytes) -> None:
    door = Door(Source("default", ("dev",), max_event=Size(500 * 1024)))
    deep = EVENT % (b"properties", b'{"x":' + nested(levels, opening, closing) + b"}")

    answer = door.post(
        "/v1/batch", b"[%b,%b,%b]" % (to_json(track(event="a")), deep, to_json(track(event="b")))
    )

    assert [event["event"] for event in door.events] == ["a", "b"]
    assert [(error["Index"], error["code"]) for error in answer.json["Errors"]] == [(1, "invalid_field")]


@pytest.mark.parametrize("said", ["context", "integrations"])
@pytest.mark.parametrize("path", ["/v1/batch", "/v1/webhook", "/api/s/s2s/batch"])
@pytest.mark.parametrize("own", [{}, {"n": 1}], ids=["one kind of entry", "entries for the slow path"])
def test_a_batch_is_too_large_if_each_event_would_inherit_much(
    path: str, said: str, own: dict[str, Any]
) -> None:
    door = Door()
    body = {said: {f"k{n}": True for n in range(10_000)}, "batch": [track(**own)] * 200}

    answer = door.post(path, body)

    assert (answer.status, answer.json["code"], door.events) == (413, "body_too_large", [])


def test_what_events_inherit_may_be_larger_in_a_larger_body() -> None:
    door = Door(LARGE)
    context = {"library": {"name": "example", "version": "1.0.0"}, "text": "x" * 300}

    answer = door.post("/v1/batch", {"context": context, "batch": [track()] * 30_000})

    assert (answer.status, answer.json["Accepted"]) == (200, 30_000)


def test_brackets_in_texts_are_no_levels() -> None:
    door = Door()

    answer = door.post("/v1/track", track(properties={"x": "[{" * 2_000, "y": '"[' * 1_000, "z": [[]] * 600}))

    assert answer.status == 200


ODD = [
    b'"userId":7',
    b'"userId":{}',
    b'"userId":true',
    b'"userID":"x"',
    b'"properties":false',
    b'"properties":[1]',
    b'"context":""',
    b'"messageId":[]',
    b'"messageId":"%b"' % (b"x" * 101),
    b'"section":NaN',
    b'"name":"\\ud83d"',
    b'"name":"\xff"',
    b'"traits":%b' % nested(600),
    b'"traits":%b' % nested(700, b"[", b"]"),
    b'"type":[]',
    b'"writeKey":"nobody"',
    b'"timestamp":{}',
    b'"token":"dev"',
    b'"x":Infinity',
]
ENTRIES = st.lists(st.sampled_from(ODD), max_size=4).map(
    lambda fields: b'{"type":"track","anonymousId":"a","event":"odd",%b}' % b",".join([*fields, b'"z":1'])
) | st.sampled_from([b"1", b"null", b"[]", b"NaN", b'"x"', b"{}", nested(800, b"[", b"]")])


@settings(max_examples=150)
@given(
    st.lists(ENTRIES, max_size=4),
    st.lists(ENTRIES, max_size=4),
    st.sampled_from(["/v1/batch", "/v1/webhook", "/api/s/s2s/batch"]),
    st.sampled_from(["array", "batch", "holes"]),
)
def test_no_odd_value_costs_a_neighbour_its_place(
    before: list[bytes], after: list[bytes], path: str, shape: str
) -> None:
    door = Door()
    good: dict[str, Any] = track(event="good", properties={"digits": 1.50})
    entries = [*before, to_json(good), *after]
    listed = b",".join(entries)
    numbered = b",".join(b'"%d":%b' % (2 * place, entry) for place, entry in enumerate(entries))
    body = {"array": b"[%b]" % listed, "batch": b'{"batch":[%b]}' % listed, "holes": b"{%b}" % numbered}[
        shape
    ]

    answer = door.post(path, body)

    [found] = [event for event in door.events if event["event"] == "good"]
    assert (found["properties"], "warnings" in found, "extras" in found) == ({"digits": 1.5}, False, False)
    stored = [event["event"] for event in door.events].index("good")
    errors = [error["Index"] for error in answer.json.get("Errors", [])]
    assert stored == len(before) - sum(place < len(before) for place in errors)
    assert len(door.events) + len(errors) == len(entries)
    assert json.dumps(good["properties"]) in json.dumps(found)
