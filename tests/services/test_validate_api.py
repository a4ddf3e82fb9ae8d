"""`POST /v1/validate`: the verdict of the intake on events, of which nothing is stored or counted."""

import gzip
import json
from typing import Any

import anyio
import httpx2
import pytest
from starlette.types import ASGIApp

from gateway import metrics
from gateway.config.units import Rate
from gateway.intake.body import Budget
from gateway.services.app import services_app
from gateway.services.validate_api import routes
from gateway.services.validation import Validator
from gateway.sinks.null import Null
from gateway.sources import Source, Sources
from tests.build import DEFAULT, Door, to_json, track

SINKS = {
    "all": Null(),
    "pages": Null(types=("page",)),
    "orders": Null(events=("Order *",)),
    "others": Null(sources=("other",)),
    "ads": Null(consent=("marketing",)),
}
KEY = {"X-Write-Key": "dev"}


class Client:
    """Posts to a service of these sources."""

    def __init__(self, *sources: Source) -> None:
        self.app = service(*sources)

    def post(self, target: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        async def send() -> httpx2.Response:
            transport = httpx2.ASGITransport(self.app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
                return await client.post(target, content=body, headers=headers)

        return anyio.run(send)


def service(*sources: Source) -> ASGIApp:
    validator = Validator.of(Sources(sources or (DEFAULT,)), SINKS)
    return services_app(routes(validator, Budget()))


def validate(
    body: Any, query: str = "", headers: dict[str, str] = KEY, *sources: Source
) -> list[dict[str, Any]]:
    answer = Client(*sources).post(f"/validate{query}", to_json(body), headers)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_each_event_gets_its_own_verdict() -> None:
    batch = {"batch": [track(), {"type": "track", "userId": "u1"}, track(timestamp="soon")]}

    good, bad, odd = validate(batch)

    assert (good["index"], good["verdict"]) == (0, "accepted")
    assert good["event"]["event"] == "Ordered"
    assert (bad["index"], bad["verdict"], bad["code"]) == (1, "refused", "missing_event")
    assert bad["hint"] == "a track event without a name in event; add it"
    assert "event" not in bad
    assert (odd["index"], odd["verdict"]) == (2, "repaired")
    assert [warning["code"] for warning in odd["warnings"]] == ["unreadable_timestamp"]


def test_the_place_of_each_event_is_told() -> None:
    body = b'{"batch": [{"type": "track", "userId": "u"},\n {"userId": "u", "type": "page"}]}'

    first, second = validate(body)

    assert (first["place"]["line"], first["place"]["column"]) == (1, 12)
    assert body[second["place"]["start"] : second["place"]["end"]] == b'{"userId": "u", "type": "page"}'


def test_a_body_that_had_to_be_repaired_has_no_places() -> None:
    [found] = validate(b'{"type": "page", "userId": "u", "properties": {"a": undefined}}')

    assert "place" not in found


def test_each_sink_would_get_the_event_or_says_why_not() -> None:
    consent = {"consent": {"categoryPreferences": {"marketing": False}}}

    [found] = validate(track(context=consent, integrations={"orders": True}))

    assert found["sinks"] == [
        {"sink": "all", "outcome": "delivered"},
        {"sink": "pages", "outcome": "filtered", "reason": "type"},
        {"sink": "orders", "outcome": "filtered", "reason": "event"},
        {"sink": "others", "outcome": "filtered", "reason": "source"},
        {"sink": "ads", "outcome": "filtered", "reason": "consent"},
    ]


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        pytest.param(b"{", KEY, "unreadable_body", id="no JSON"),
        pytest.param(track(), {}, "unknown_write_key", id="no key"),
        pytest.param(track(), {"X-Write-Key": "other"}, "unknown_write_key", id="another key"),
        pytest.param({"batch": []}, KEY, "empty_batch", id="no events"),
        pytest.param({"batch": [{}] * 2501}, KEY, "too_many_events", id="too many events"),
        pytest.param(b" " * 600_000, KEY, "body_too_large", id="too large"),
        pytest.param(b"\x1f\x8b", KEY, "unreadable_body", id="half a gzip"),
    ],
)
def test_a_submission_that_is_refused_as_a_whole_has_one_verdict(
    body: Any, headers: dict[str, str], code: str
) -> None:
    [found] = validate(body, headers=headers)

    assert (found["verdict"], found["code"]) == ("refused", code)
    assert "index" not in found


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        pytest.param("?route=/v1/page", {"userId": "u"}, "page", id="a route decides the type"),
        pytest.param("?route=/page", {"userId": "u"}, "page", id="a route without version"),
        pytest.param(
            "?dialect=commandersact&tc_s=1&token=dev",
            {"event_name": "purchase", "user": {"id": "u"}},
            "track",
            id="commandersact",
        ),
        pytest.param("?dialect=webhook&writeKey=dev", track(), "track", id="webhook"),
        pytest.param("?dialect=jitsu&route=/api/s/page", {"userId": "u"}, "page", id="jitsu"),
        pytest.param(
            "?dialect=pixel&route=/v1/pixel/page&userId=u&writeKey=dev", b"", "page", id="a pixel's query"
        ),
    ],
)
def test_every_dialect_can_be_tried(query: str, body: Any, expected: str) -> None:
    [found] = validate(body, query)

    assert found["event"]["type"] == expected
    assert "dev" not in json.dumps(found)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("?dialect=smoke", id="no such dialect"),
        pytest.param("?route=/v1/smoke", id="no such route"),
        pytest.param("?dialect=pixel", id="a dialect without a route for several events"),
    ],
)
def test_an_unknown_route_is_a_mistake_of_the_call(query: str) -> None:
    answer = Client().post(f"/validate{query}", b"{}", KEY)

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_parameter"


def test_the_verdicts_are_those_of_the_intake() -> None:
    batch = [track(), 5, {"type": "track"}, track(messageId="m" * 101), {"type": "smoke"}, track(userId=7)]

    items = validate(batch)

    door = Door()
    errors = door.post("/v1/batch", batch).json["Errors"]
    assert {item["index"]: item["code"] for item in items if "code" in item} == {
        error["Index"]: error["code"] for error in errors
    }
    volatile = ("messageId", "timestamp", "receivedAt", "source")
    stored = [{key: value for key, value in event.items() if key not in volatile} for event in door.events]
    tried = [item["event"] for item in items if "event" in item]
    assert [{key: value for key, value in event.items() if key not in volatile} for event in tried] == stored


def test_events_too_large_do_not_shift_the_others() -> None:
    items = validate([track(), track(properties={"a": "x" * 20_000}), track(event="Last")])

    assert [item["verdict"] for item in items] == ["accepted", "refused", "accepted"]
    assert items[2]["event"]["event"] == "Last"


def test_deletions_that_are_accepted_and_not_stored_are_ignored() -> None:
    delete, _ = validate([{"type": "delete", "userId": "u"}, track()], "?dialect=webhook&writeKey=dev")

    assert delete["verdict"] == "ignored"


def test_compressed_bodies_are_inflated() -> None:
    [found] = validate(gzip.compress(to_json(track())))

    assert found["verdict"] == "accepted"


def test_more_bodies_than_a_few_do_not_wait_in_memory() -> None:
    app, body, answers = service(), gzip.compress(to_json([track()] * 100)), []

    async def send(client: httpx2.AsyncClient) -> None:
        answers.append(await client.post("/validate", content=body, headers=KEY))

    async def send_all() -> None:
        async with (
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://gateway") as client,
            anyio.create_task_group() as tasks,
        ):
            for _ in range(40):
                tasks.start_soon(send, client)

    anyio.run(send_all)

    refused = [answer for answer in answers if answer.status_code == 503]
    assert 0 < len(refused) < 40
    assert all(answer.json()["code"] == "overloaded" for answer in refused)
    assert all(answer.headers["Retry-After"] == "1" for answer in refused)


def test_nothing_is_counted() -> None:
    before = metrics.RECEIVED.total, metrics.IN_FLIGHT.now

    validate([track(), {}])
    validate(b"{")

    assert (metrics.RECEIVED.total, metrics.IN_FLIGHT.now) == before


def test_the_rate_of_the_source_does_not_matter_and_is_not_used_up() -> None:
    source = Source("slow", ("dev",), rate=Rate(1 / 3600), burst=1)
    client = Client(source)

    answers = [client.post("/validate", to_json([track()] * 3), KEY) for _ in range(3)]

    assert [item["verdict"] for answer in answers for item in answer.json()["items"]] == ["accepted"] * 9


def test_the_page_that_is_not_allowed_is_told() -> None:
    source = Source("website", ("dev",), allowed_origins=("https://example.com",))

    [found] = validate(track(), "", {**KEY, "Origin": "https://evil.example"}, source)

    assert found["code"] == "origin_not_allowed"
