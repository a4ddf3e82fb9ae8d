"""Two roads, one meaning: whichever way a request goes, its answer and its events are the same."""

import gzip
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.secret import Secrets
from gateway.config.units import Size
from gateway.sources import Identity, Source
from tests.build import to_json, track
from tests.intake.roads import Side, both
from tests.intake.test_any_input import BODIES, ENVELOPES, EVENTS

Sides = tuple[Side, Side]
SOURCES = (
    Source("default", ("dev",)),
    Source("shop", ("shop",), allowed_origins=("https://shop.example",), identity=Identity()),
    Source("small", ("small",), max_event=Size(300), max_events=2, multi_status="always"),
    Source("off", ("off",), enabled=False),
    Source(
        "hooks",
        ("hooks",),
        webhook_secret=Secrets.parse("secret"),
        truncate_ip=True,
        translate="commandersact",
    ),
)
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
ORDINARY = {"Host": "x", "X-Write-Key": "dev"}


@pytest.fixture(scope="module")
def sides() -> Iterator[Sides]:
    with both(*SOURCES) as found:
        yield found


def request(
    body: bytes,
    path: str = "/v1/track",
    headers: Mapping[str, str] = ORDINARY,
    *,
    method: str = "POST",
    version: str = "1.1",
    framing: str = "length",
    more: Sequence[str] = (),
) -> bytes:
    """Return a request; `more` are whole lines of its head."""
    lines = [
        f"{method} {path} HTTP/{version}",
        *(f"{name}: {value}" for name, value in headers.items()),
        *more,
    ]
    if framing == "length":
        lines.append(f"Content-Length: {len(body)}")
    elif framing == "chunks":
        lines.append("Transfer-Encoding: chunked")
        half = len(body) // 2
        parts = [part for part in (body[:half], body[half:]) if part]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def meaning(side: Side, pieces: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    return side.exchange(pieces), side.take_lines()


def same(sides: Sides, *pieces: bytes) -> tuple[bytes, list[bytes]]:
    """Send the same to both sides, and return what both answer and store."""
    short, long = (meaning(side, pieces) for side in sides)
    assert short == long
    return short


WORDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=8)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Host": st.sampled_from(["x", "gateway:80", ""]),
        "X-Write-Key": st.sampled_from(["dev", "shop", "small", "off", "hooks", "unknown", "dev:x", ""]),
        "Authorization": st.sampled_from(["Basic ZGV2Og==", "Basic !", "Bearer dev"]),
        "Origin": st.sampled_from(["https://shop.example", "null", "https://evil.example"]) | WORDS,
        "Sec-Fetch-Site": st.just("cross-site"),
        "Content-Encoding": st.sampled_from(["gzip", "deflate", "br", "identity"]),
        "Content-Type": st.sampled_from(["text/plain", "application/json"]),
        "User-Agent": st.sampled_from(["analytics-python/2.3.0", "analytics-ios/1.9.4"]) | WORDS,
        "Cookie": st.sampled_from(["visitor=01a214db-c067-79f7-ba93-19b01530c640", "a=b"]),
        "X-Strict-Mode": st.just("1"),
        "X-Retry-Count": st.just("1"),
        "X-Forwarded-For": st.just("203.0.113.9"),
        "Expect": st.sampled_from(["100-continue", "nothing"]),
        "Connection": st.sampled_from(["keep-alive", "close", "Upgrade"]),
        "Upgrade": st.just("h2c"),
    },
)
PATHS = [
    "/v1/track",
    "/v1/track",
    "/v1/batch",
    "/track",
    "//v1/t/",
    "/v1/%74rack",
    "/v1/track?",
    "/v1/track?writeKey=dev&x=%41",
    "/v1/track;x",
    "/v1/webhook",
    "/v1/w?writeKey=hooks",
    "/v1/custom/event",
    "/v1/pixel/track?writeKey=dev",
    "/v1/m",
    "/events?tc_s=29&token=dev",
    "/events?token=dev#part",
    "/events/batch?token=small",
    "/api/s/track",
    "/api/s/s2s/batch",
    "http://x/v1/track",
    "/nothing",
]
UNREADABLE = "/v1/track?writeKey=d\xe9v"
EVENT_BODIES = (
    st.one_of(
        EVENTS,
        ENVELOPES,
        st.sampled_from(
            [
                track(event="the disk is full"),
                track(event="too much waits"),
                track(writeKey="shop", anonymousId=None),
                {"batch": [track(), track(writeKey="small"), {"type": "track"}]},
                {"batch": [track(properties={"x": "x" * 400})] * 3},
            ]
        ),
    ).map(to_json)
    | BODIES
)
REQUESTS = st.builds(
    lambda body, zipped, path, given, usual, method, version, framing, more: request(
        gzip.compress(body, mtime=0) if zipped else body,
        path,
        {**(ORDINARY if usual else {}), **given},
        method=method,
        version=version,
        framing=framing,
        more=more,
    ),
    EVENT_BODIES,
    st.sampled_from([False] * 5 + [True]),
    st.sampled_from([*PATHS, UNREADABLE]),
    HEADERS,
    st.sampled_from([True] * 5 + [False]),
    st.sampled_from(["POST"] * 6 + ["GET", "HEAD", "PUT", "PATCH", "OPTIONS", "DELETE"]),
    st.sampled_from(["1.1"] * 8 + ["1.0"]),
    st.sampled_from(["length"] * 8 + ["chunks", "none"]),
    st.sampled_from(
        [[]] * 8 + [["Cookie: c=d"], ["Host: y"], ["X-Write-Key: off"], ["Content-Length: +1"], ["X"]]
    ),
)


@settings(max_examples=150)
@given(st.data())
def test_a_request_means_the_same_on_both_roads(sides: Sides, data: st.DataObject) -> None:
    sent = data.draw(REQUESTS) + LAST
    cut = data.draw(st.integers(0, len(sent)))

    answers, _ = same(sides, sent[:cut], sent[cut:])

    assert answers.startswith(b"HTTP/1.1 ")


@settings(max_examples=100)
@given(st.lists(st.tuples(EVENTS.map(to_json), HEADERS, st.sampled_from(PATHS)), min_size=2, max_size=5))
def test_requests_that_are_sent_ahead_are_answered_in_their_order(
    sides: Sides, given: list[tuple[bytes, dict[str, str], str]]
) -> None:
    sent = [request(body, path, {**ORDINARY, **headers}) for body, headers, path in given]

    same(sides, b"".join(sent) + LAST)


@pytest.mark.parametrize("name", ["Ordered", "the disk is full", "too much waits"])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch", "/events?token=dev"])
def test_ordinary_requests_take_the_short_road(sides: Sides, path: str, name: str) -> None:
    short, long = sides
    before = short.short_requests
    event = {"event_name": name} if path.startswith("/events") else track(event=name, messageId="m")
    body = to_json({"batch": [event]} if path == "/v1/batch" else event)

    answers, lines = same(sides, request(body, path) * 3 + LAST)

    assert answers.count(b"HTTP/1.1 200 OK\r\n" if lines else b"HTTP/1.1 503 ") >= 3
    assert short.short_requests > before
    assert long.short_requests == 0


@pytest.mark.parametrize("event", ["Ordered", ""], ids=["stored", "refused"])
def test_what_is_sent_behind_the_last_request_of_a_connection_is_not_stored(sides: Sides, event: str) -> None:
    last = request(to_json(track(event=event)), headers={**ORDINARY, "Connection": "close"})

    answers, lines = same(sides, last + request(to_json(track())))

    assert (answers.count(b"HTTP/1.1 "), len(lines)) == (1, 1 if event else 0)


def test_an_offer_of_another_protocol_behind_it_repeats_nothing(sides: Sides) -> None:
    first, second = (request(to_json(track(messageId=name))) for name in ("first", "second"))
    offer = request(to_json(track()), headers={**ORDINARY, "Connection": "Upgrade", "Upgrade": "h2c"})

    answers, lines = same(sides, first + second + offer + LAST)

    assert (answers.count(b"HTTP/1.1 200 "), len(lines)) == (4, 3)


@pytest.mark.parametrize("missing", [1, 100])
def test_a_body_that_is_cut_off_is_no_event_and_takes_none_of_the_budget(sides: Sides, missing: int) -> None:
    whole = request(to_json(track(properties={"x": "x" * 1000})))
    budgets = [side.router.budget.left for side in sides]

    for side in sides:
        side.hang_up(whole[:-missing])

    assert [side.take_lines() for side in sides] == [[], []]
    assert [side.router.budget.left for side in sides] == budgets


def test_any_number_of_offers_may_follow_one_another(sides: Sides) -> None:
    offer = request(b"{", headers={**ORDINARY, "Connection": "Upgrade", "Upgrade": "h2c"})
    last = request(to_json(track()), headers={**ORDINARY, "Connection": "close"})

    answers = sides[0].exchange([offer * 1_500 + last])

    assert (answers.count(b"HTTP/1.1 400 "), answers.count(b"HTTP/1.1 200 ")) == (1_500, 1)
    assert len(sides[0].take_lines()) == 1


def test_more_unfinished_bodies_than_there_is_room_for_are_turned_away(sides: Sides) -> None:
    unfinished = request(to_json(track(properties={"x": "x" * 1000})))[:-100]
    for side in sides:
        side.router.budget.left = 10

    short, long = (side.first_answer(unfinished) for side in sides)

    left = [side.router.budget.left for side in sides]
    for side in sides:
        side.router.budget.left = 2**26
    assert short.startswith(b"HTTP/1.1 503 ")
    assert (short, left) == (long, [10, 10])


@pytest.mark.parametrize(
    ("seconds", "status"), [(29.0, b"HTTP/1.1 200 OK"), (31.0, b"")], ids=["29 s", "31 s"]
)
def test_a_body_has_thirty_seconds_to_arrive(sides: Sides, seconds: float, status: bytes) -> None:
    whole = request(to_json(track()))

    answers = [side.answer_after(seconds, whole[:-10], whole[-10:]) for side in sides]

    assert [answer.partition(b"\r\n")[0] for answer in answers] == [status, status]
    assert sides[0].take_lines() == sides[1].take_lines()
