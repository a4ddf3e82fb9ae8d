"""Whatever arrives, the door answers, stays up, and lets nothing into the journal that is no event."""

import base64
import json
from typing import Any
from urllib.parse import quote, quote_from_bytes

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.dialects import DIALECTS
from gateway.event import TYPES
from tests.build import Door, to_json, track

ROUTES = [(method, path) for each in DIALECTS.values() for method in each.METHODS for path in each.PATHS]
FIELDS = [
    "type",
    "messageId",
    "userId",
    "anonymousId",
    "groupId",
    "previousId",
    "event",
    "eventName",
    "name",
    "category",
    "channel",
    "properties",
    "traits",
    "context",
    "integrations",
    "timestamp",
    "originalTimestamp",
    "sentAt",
    "writeKey",
    "writekey",
    "userID",
    "anonymousID",
    "_metadata",
    "event_name",
    "user",
    "batch",
    "section",
]
# Half a surrogate pair and a NaN are among what Python's json module writes, as some clients do.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "2026-11-21T12:00:00.000Z", "9999-12-31T24:00:00Z", 1795301322050, "\ud83d", "dev"]
    ),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=5), below, max_size=4),
    max_leaves=10,
)
EVENTS = st.builds(
    lambda kind, more: {**track(type=kind), **more},
    st.sampled_from(sorted(TYPES)),
    st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), VALUES, max_size=5),
)
CONTEXTS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("direct", "ip", "userAgent", "consent", "library", "page", "traits", "app", "device"), VALUES
    ),
)
ENVELOPES = st.fixed_dictionaries(
    {"batch": st.lists(EVENTS | VALUES, max_size=5)},
    optional={"context": CONTEXTS | VALUES, "integrations": VALUES, "sentAt": VALUES, "timestamp": VALUES},
)
TOKENS = [
    *b'{ } [ ] , : " \\ \n \t 0 01 1. 1e 1e400 -0 tru true null NaN -Infinity "a" "batch" "type"'.split(b" "),
    *(
        b'"\\ud83d"',
        b'"\\ud83d\\ude00"',
        b'"\\u0000"',
        b'"\\x"',
        b"\xff",
        b"\xef\xbb\xbf",
        b"\x1f\x8b",
        b"\x7f",
    ),
]
BODIES = (
    (VALUES | EVENTS | ENVELOPES).map(to_json)
    | st.binary(max_size=200)
    | st.lists(st.sampled_from(TOKENS), max_size=30).map(b"".join)
    | st.builds(
        lambda body, at, cut, new: body[:at] + new + body[at + cut :],
        (EVENTS | ENVELOPES).map(to_json),
        st.integers(0, 300),
        st.integers(0, 3),
        st.sampled_from(TOKENS) | st.binary(max_size=4),
    )
)
QUERIES = (
    BODIES.map(lambda body: "data=" + quote(base64.b64encode(body)))
    | BODIES.map(lambda body: "data=" + quote_from_bytes(body))
    | st.binary(max_size=50).map(lambda query: quote_from_bytes(query, safe="&=+.;?[]"))
    | st.dictionaries(
        st.sampled_from(FIELDS), st.text(max_size=10).map(lambda text: text.encode("utf-8", "replace"))
    ).map(lambda given: "&".join(f"{name}={quote(value)}" for name, value in given.items()))
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "X-Write-Key": st.sampled_from(["dev", "unknown"]),
        "Authorization": st.sampled_from(["Basic ZGV2Og==", "Basic ZGV2", "Basic !", "Bearer x", "Basic"]),
        "Content-Type": st.sampled_from(["application/x-www-form-urlencoded", "text/plain", "?"]),
        "Content-Encoding": st.sampled_from(["gzip", "deflate", "br", "identity", "GZIP", "x"]),
        "Origin": st.sampled_from(["https://shop.example", "null"]),
        "User-Agent": st.text(st.characters(max_codepoint=255), max_size=10),
        "X-Strict-Mode": st.sampled_from(["1", "0"]),
        "X-Retry-Count": st.just("1"),
    },
)


@settings(max_examples=300)
@given(st.sampled_from(ROUTES), QUERIES, BODIES, HEADERS)
def test_everything_is_answered_and_nothing_but_events_is_stored(
    route: tuple[str, str], query: str, body: bytes, headers: dict[str, str]
) -> None:
    door = Door()
    method, path = route

    answer = door.request(method, f"{path}?{query}", body, headers)

    assert answer.status < 500
    assert answer.status not in {401, 403, 404}
    assert answer.headers["content-type"] == "image/gif" or isinstance(answer.json, dict)
    assert ("x-durability" in answer.headers) == bool(door.events)


@settings(max_examples=200)
@given(ENVELOPES)
@example({"batch": [track(type="")]})
def test_every_event_of_a_batch_is_either_stored_or_listed(envelope: dict[str, Any]) -> None:
    door = Door()

    answer = door.post("/v1/batch", envelope)

    stored = len(door.events)
    if "Accepted" in answer.json:
        account = answer.json
        assert (account["Accepted"], account["Accepted"] + account["Rejected"]) == (
            stored,
            len(envelope["batch"]),
        )
        assert len(account["Errors"]) == (account["Rejected"] if envelope["batch"] else 1)
    else:
        assert (answer.status, answer.json["code"], stored) == (400, "unknown_write_key", 0)


@settings(max_examples=200)
@given(st.lists(EVENTS | VALUES, max_size=4), st.lists(EVENTS | VALUES, max_size=4))
def test_no_event_costs_its_neighbours_their_place(before: list[Any], after: list[Any]) -> None:
    door = Door()
    good = track(messageId="a good one", properties={"digits": 1.50})

    door.post("/v1/batch", {"batch": [*before, good, *after]})

    [found] = [event for event in door.events if event["messageId"] == "a good one"]
    assert (found["properties"], "warnings" in found) == ({"digits": 1.5}, False)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_bytes_in_one_event_cost_the_others_nothing(damage: bytes) -> None:
    # Whatever stands within quotes, as long as it does not end them.
    text = damage.replace(b'"', b"").replace(b"\\", b"").translate(None, bytes(range(0x20)))
    door = Door()
    body = b'{"batch":[%b,{"type":"track","userId":"u","event":"%b"},%b]}'

    door.post("/v1/batch", body % (to_json(track(event="first")), text, to_json(track(event="last"))))

    names = [event["event"] for event in door.events]
    assert (names[0], names[-1]) == ("first", "last")


def test_a_body_of_json_values_of_all_kinds_is_no_event() -> None:
    door = Door()
    values: list[Any] = [1, "x", None, [], True]

    codes = {json.dumps(value): door.post("/v1/track", value).json["code"] for value in values}

    assert set(codes.values()) == {"not_an_object"}
