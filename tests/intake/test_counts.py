"""Every event that arrives is counted: once when it arrives, and once when it is accepted or refused."""

from typing import Any, NamedTuple

import pytest
from prometheus_client import REGISTRY

from gateway import metrics
from gateway.config.units import Rate
from gateway.dialects import DIALECTS
from gateway.errors import JournalUnavailable, Overloaded
from gateway.intake.endpoint import Endpoint
from gateway.sources import Source, Sources
from gateway.submission import Submission
from tests.build import DEFAULT, Door, to_json, track
from tests.fakes import MemoryJournal

LIMITED = Source("default", ("dev",), rate=Rate(1 / 3600))
MIXED = [track(), 1, track(userId=None), track()]


class Counts(NamedTuple):
    """The counters of this process."""

    received: float
    refused: float
    in_flight: float

    @classmethod
    def now(cls) -> "Counts":
        refused = sum(
            sample.value
            for metric in REGISTRY.collect()
            for sample in metric.samples
            if sample.name == "gateway_events_refused_total"
        )
        return cls(metrics.RECEIVED.total, refused, metrics.IN_FLIGHT.now)


class Broken:
    """A dialect with a bug in one of its functions."""

    def __init__(self, function: str) -> None:
        self._function = function

    def __getattr__(self, name: str) -> Any:
        return self._fail if name == self._function else getattr(DIALECTS["segment"], name)

    def _fail(self, *arguments: object) -> None:
        raise ZeroDivisionError


def door(source: Source = DEFAULT, trouble: Any = None, bug: str = "") -> Door:
    made = Door(source, journal=MemoryJournal(trouble))
    if bug:
        broken: Any = Broken(bug)
        made.router.replace_routes([Endpoint("segment", broken, Sources([source]))], made.router.services)
    return made


@pytest.mark.parametrize(
    ("door", "body", "received"),
    [
        pytest.param(door(), track(), 1, id="an event"),
        pytest.param(door(), MIXED, 4, id="a batch of which half is refused"),
        pytest.param(door(), [], 0, id="an empty batch"),
        pytest.param(door(), b"{", 1, id="an unreadable body"),
        pytest.param(door(), b" " * 600_000, 1, id="a body that is too large"),
        pytest.param(door(), [track(writeKey="unknown")] * 3, 3, id="an unknown key"),
        pytest.param(door(), [1] * 2501, 2501, id="too many events"),
        pytest.param(door(LIMITED), [track()] * 5, 5, id="a burst"),
        pytest.param(door(trouble=JournalUnavailable()), MIXED, 4, id="a journal that fails"),
        pytest.param(door(trouble=Overloaded()), MIXED, 4, id="too much in flight"),
        pytest.param(door(bug="decode"), track(), 1, id="a bug before there is an outcome"),
        pytest.param(door(bug="answer"), MIXED, 4, id="a bug once the events are durable"),
    ],
)
def test_what_has_arrived_is_stored_or_refused(door: Door, body: Any, received: int) -> None:
    before = Counts.now()

    door.post("/v1/batch", body)

    found = Counts(*(after - earlier for earlier, after in zip(before, Counts.now(), strict=True)))
    assert found == (received, received - len(door.events), 0)


def test_a_batch_over_the_rate_is_refused_whole() -> None:
    limited = door(LIMITED)
    limited.post("/v1/batch", [track()] * 5)
    before = Counts.now()

    limited.post("/v1/batch", [track()] * 5)

    assert Counts.now() == (before.received + 5, before.refused + 5, before.in_flight)


def test_deletions_and_handshakes_are_no_events() -> None:
    before = Counts.now()

    bodies: list[Any] = [{"type": "delete", "userId": "u"}, {}, []]
    for body in bodies:
        assert door().post("/v1/webhook?writeKey=dev", body).status == 200

    assert Counts.now() == before


def test_requests_are_counted_by_dialect_and_class_of_status() -> None:
    def seen(dialect: str, status: str) -> float:
        metrics.flush()
        labels = {"dialect": dialect, "status": status}
        return REGISTRY.get_sample_value("gateway_http_request_seconds_count", labels) or 0

    classes = [("segment", "2xx"), ("segment", "4xx"), ("segment", "5xx"), ("pixel", "2xx")]
    before = [seen(*each) for each in classes]

    door().post("/v1/batch", MIXED)
    bodies: list[Any] = [b"{", [], b" " * 600_000]
    for body in bodies:
        door().post("/v1/batch", body)
    door(trouble=Overloaded()).post("/v1/track", track())
    door().request("GET", "/v1/pixel/track?writeKey=unknown")

    found = [seen(*each) for each in classes]
    assert [now - earlier for earlier, now in zip(before, found, strict=True)] == [1, 3, 1, 1]


def test_events_are_in_flight_until_it_is_decided_what_becomes_of_them() -> None:
    endpoint = Endpoint("segment", DIALECTS["segment"], Sources([DEFAULT]))
    headers = {b"x-write-key": b"dev"}
    text = "2026-11-21T12:00:00.000Z"
    before = Counts.now()

    endpoint.process(
        Submission("POST", "/v1/batch", headers, b"", to_json(MIXED), "192.0.2.1", 1795262400000, text)
    )

    assert Counts.now() == (before.received + 4, before.refused + 2, before.in_flight + 2)
    metrics.IN_FLIGHT.now -= 2
