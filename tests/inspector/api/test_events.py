"""`/api/events`: lists, one event, and the stream."""

from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from gateway.inspector.api import events
from gateway.inspector.api.asking import Asking
from gateway.inspector.queries.errors import InvalidQuery
from gateway.inspector.queries.events import EventRow
from gateway.inspector.queries.stream import Burst
from tests.build import event_line, event_lines, keep
from tests.gateway import PATIENCE
from tests.inspector.inspecting import fill, inspection
from tests.inspector.visitor import CONFIG, visitor

pytestmark = pytest.mark.anyio


def test_events_are_listed_page_by_page_the_newest_first(tmp_path: Path) -> None:
    keep(tmp_path / "data/journal/0", event_lines(0, 5))
    client = visitor(tmp_path)

    first = client.get("/api/events?limit=3").json()
    second = client.get(f"/api/events?limit=3&cursor={first['next']}").json()

    assert [each["message_id"] for each in first["items"]] == ["m4", "m3", "m2"]
    assert [each["message_id"] for each in second["items"]] == ["m1", "m0"]
    assert {each["verdict"] for each in first["items"]} == {"accepted"}


def test_an_event_is_shown_with_what_became_of_it(tmp_path: Path) -> None:
    keep(tmp_path / "data/journal/0", [event_line(0)])

    found = visitor(tmp_path).get("/api/events/0/0").json()

    assert (found["position"], found["partition"], found["user_id"]) == ("0/0", "0", "u1")
    assert found["canonical"]["messageId"] == "m0"
    assert "anonymous_id" not in found
    assert "raw" not in found
    assert found["raw_missing"]
    assert [(each["sink"], each["outcome"]) for each in found["sinks"]] == [("archive", "pending")]


def test_hidden_keys_are_hidden(tmp_path: Path) -> None:
    keep(tmp_path / "data/journal/0", [event_line(0, traits={"email": "ann@example.com"})])
    client = visitor(tmp_path, text=f'{CONFIG}\n[inspector]\nmask = ["email"]\n')

    assert "ann@example.com" not in client.get("/api/events/0/0").text


def test_addresses_lose_their_last_part_unless_they_are_asked_for(tmp_path: Path) -> None:
    keep(tmp_path / "data/journal/0", [event_line(0, context={"ip": "192.0.2.77"})])
    client = visitor(tmp_path)

    cut, whole, wrong = (
        client.get(f"/api/events/0/0{query}") for query in ("", "?addresses=whole", "?addresses=1")
    )

    assert cut.json()["canonical"]["context"]["ip"] == "192.0.2.0"
    assert whole.json()["canonical"]["context"]["ip"] == "192.0.2.77"
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "invalid_parameter")


async def streamed(folder: Path, **headers: str) -> AsyncIterator[bytes]:
    """The parts of the stream."""
    [endpoint] = [
        route.endpoint
        for route in events.routes(Asking(inspection(folder)))
        if route.path == "/api/events/stream"
    ]
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    response = await endpoint(Request({"type": "http", "query_string": b"type=track", "headers": pairs}))
    assert isinstance(response, StreamingResponse)
    assert response.media_type == "text/event-stream"
    async for part in response.body_iterator:
        assert isinstance(part, bytes)
        yield part


async def test_the_stream_resumes_where_a_client_was(tmp_path: Path) -> None:
    fill(tmp_path, [event_line(0), event_line(1), event_line(2, type="page"), event_line(3)])
    fill(tmp_path, event_lines(4, 5), partition="1")

    with anyio.fail_after(PATIENCE):
        parts = streamed(tmp_path, last_event_id="0/1,1/0")
        text = await anext(parts)

    shown = text.decode().split("\n\n")
    assert [line.partition("\n")[0] for line in shown] == [
        "id: 0/2,1/0",
        "id: 0/4,1/0",
        "id: 0/4,1/1",
        *shown[3:],
    ]
    assert '"message_id":"m1"' in shown[0]
    assert shown[3:] == ["id: 0/4,1/1", ""]


async def test_a_malformed_position_is_refused_before_the_stream_begins(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 1))

    with pytest.raises(InvalidQuery):
        await anext(streamed(tmp_path, last_event_id="here"))


def row(position: str) -> EventRow:
    return EventRow(
        position=position,
        received_at="2026-01-01T12:00:00.000Z",
        source="default",
        dialect="segment",
        type="track",
        message_id=position,
        verdict="accepted",
    )


async def generate(*bursts: Burst) -> AsyncGenerator[Burst, None]:
    for burst in bursts:
        yield burst


async def test_each_id_resumes_behind_its_event_in_every_partition() -> None:
    first = Burst(positions="0/5,1/2", rows=[])
    second = Burst(positions="0/8,1/4", rows=[row("0/6"), row("1/3")], dropped=7)

    parts = [part.decode() async for part in events.lines(first, generate(second))]

    ids: list[Any] = [line for part in parts for line in part.splitlines() if line.startswith("id: ")]
    assert ids == ["id: 0/5,1/2", "id: 0/7,1/3", "id: 0/7,1/4", "id: 0/8,1/4"]
    assert 'event: dropped\ndata: {"events":7}\n\n' in parts[1]


async def test_a_silent_stream_has_a_comment_every_15_seconds() -> None:
    quiet = Burst(positions="0/5", rows=[])
    times = iter([0.0, 14.9, 15.0, 15.1, 30.0, 30.2, 30.3])

    parts = [part async for part in events.lines(quiet, generate(*[quiet] * 4), lambda: next(times))]

    assert parts == [b"id: 0/5\n\n", b": alive\n\n", b": alive\n\n"]
