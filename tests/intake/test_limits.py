"""How large events, bodies and batches may be, and what is said of those that are larger."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from gateway.config.units import Size
from gateway.dialects import segment
from gateway.dialects.base import Dialect
from gateway.intake.endpoint import Endpoint, has_longer_line
from gateway.raw.timestamps import write
from gateway.sources import Source, Sources
from gateway.submission import Submission
from tests.build import DEFAULT, Door, to_json, track
from tests.fakes import Unmeasured


def sized(size: int, **fields: Any) -> dict[str, Any]:
    """An event of exactly so many bytes."""
    event = track(properties={"x": ""}, **fields)
    event["properties"]["x"] = "x" * (size - len(to_json(event)))
    return event


def submitted(body: Any, path: str) -> Submission:
    """A submission with the key `dev`."""
    return Submission("POST", path, {b"x-write-key": b"dev"}, b"", to_json(body), "192.0.2.1", 0, write(0))


@pytest.mark.parametrize(
    ("size", "status"), [(15 * 1024, 200), (15 * 1024 + 1, 413)], ids=["fits", "one more"]
)
def test_an_event_has_15_kb(size: int, status: int) -> None:
    door = Door()

    answer = door.post("/v1/track", sized(size))

    assert (answer.status, len(door.events)) == (status, 1 if status == 200 else 0)


@pytest.mark.parametrize(
    ("size", "fits"), [(15 * 1024, True), (15 * 1024 + 1, False)], ids=["fits", "one more"]
)
@pytest.mark.parametrize("shape", ["array", "batch"])
def test_an_event_of_a_batch_has_as_much(size: int, fits: bool, shape: str) -> None:
    door = Door()
    batch = [track(), sized(size, messageId="m1"), track()]

    answer = door.post("/v1/batch", batch if shape == "array" else {"batch": batch})

    errors = [(error["code"], error["Index"], error["MessageId"]) for error in answer.json["Errors"]]
    assert errors == ([] if fits else [("event_too_large", 1, "m1")])
    assert (answer.status, len(door.events)) == ((200, 3) if fits else (207, 2))


@pytest.mark.parametrize(
    ("size", "fits"), [(15 * 1024, True), (15 * 1024 + 1, False)], ids=["fits", "one more"]
)
def test_an_event_is_measured_with_the_context_of_its_batch(size: int, fits: bool) -> None:
    door = Door()
    context = {"x": "x" * 5000}
    event = sized(size, context=context)
    del event["context"]

    answer = door.post("/v1/batch", {"batch": [event, track()], "context": context})

    assert [error["code"] for error in answer.json["Errors"]] == ([] if fits else ["event_too_large"])


@pytest.mark.parametrize(("path", "count"), [("/v1/track", 1), ("/v1/batch", 3)], ids=["alone", "in a batch"])
def test_an_event_that_the_journal_cannot_keep_is_refused(path: str, count: int) -> None:
    events = [sized(9000), track(), track()][:count]
    endpoint = Endpoint("segment", segment, Sources([DEFAULT]), max_line=8000)

    outcome = endpoint.process(submitted(events if count > 1 else events[0], path))

    assert [(one.place, one.refusal.code) for one in outcome.refused] == [(0, "event_too_large")]
    assert outcome.stored == count - 1


def test_a_dialect_that_measures_nothing_has_limits_all_the_same() -> None:
    submission = submitted([track(), sized(16_000), track()], "/v1/batch")

    outcome = Endpoint("segment", cast(Dialect, Unmeasured(segment)), Sources([DEFAULT])).process(submission)

    assert [(one.place, one.refusal.code) for one in outcome.refused] == [(1, "event_too_large")]
    assert outcome.stored == len(outcome.block.splitlines()) == 2


def test_an_event_that_translation_makes_small_is_measured_as_it_was_sent() -> None:
    door = Door(Source("default", ("dev",), translate="commandersact", max_event=Size(2000)))
    products = [{"product_id": "1", "sku": "2"}] * 80
    event = track(event="Order Completed", properties={"products": products})

    answer = door.post("/v1/batch", [event, track()])

    assert len(to_json(event)) > 2000
    assert [error["code"] for error in answer.json["Errors"]] == ["event_too_large"]


@given(st.lists(st.integers(0, 30), min_size=1), st.integers(-1, 30))
def test_a_longer_line_is_found_wherever_it_stands(lengths: list[int], most: int) -> None:
    block = b"\n".join(b"x" * length for length in lengths)

    assert has_longer_line(block, most) == any(length > most for length in lengths)


def test_repairs_are_counted_for_events_that_are_stored() -> None:
    def repaired() -> float:
        return REGISTRY.get_sample_value("gateway_events_repaired_total", {"code": "not_a_number"}) or 0

    before = repaired()
    large = to_json(sized(16_000))[:-1] + b',"x":NaN}'
    Door().post("/v1/batch", b"[%b,%b]" % (large, to_json(track())[:-1] + b',"x":NaN}'))

    assert repaired() - before == 1


@pytest.mark.parametrize(
    ("size", "status"), [(500 * 1024, 200), (500 * 1024 + 1, 413)], ids=["fits", "one more"]
)
def test_a_body_has_500_kb(size: int, status: int) -> None:
    door = Door()
    body = to_json({"batch": [track()]})

    answer = door.post("/v1/batch", body + b" " * (size - len(body)))

    assert (answer.status, len(door.events)) == (status, 1 if status == 200 else 0)
    assert (answer.json.get("code"), answer.json["success"]) == (
        (None, True) if status == 200 else ("body_too_large", False)
    )


@pytest.mark.parametrize(("count", "status"), [(2500, 200), (2501, 400)], ids=["fits", "one more"])
def test_a_batch_has_2500_events(count: int, status: int) -> None:
    door = Door()

    answer = door.post("/v1/batch", {"batch": [track()] * count})

    assert (answer.status, len(door.events)) == (status, count if status == 200 else 0)
    assert answer.json.get("code") == (None if status == 200 else "too_many_events")
    assert answer.json["Rejected"] == (0 if status == 200 else count)


def test_limits_may_be_set_for_a_source() -> None:
    small = Source("small", ("s",), max_event=Size(200), max_body=Size(400), max_events=2)
    large = Source("large", ("l",), max_event=Size(30_000), max_body=Size(2**20), max_events=5000)
    door = Door(small, large)
    bodies = [sized(201), {"batch": [sized(201), track()]}, {"batch": [track()] * 3}, {"batch": [sized(350)]}]
    routes = ["/v1/track", "/v1/batch", "/v1/batch", "/v1/batch"]

    refused = [door.post(path, body, X_Write_Key="s") for path, body in zip(routes, bodies, strict=True)]
    taken = door.post("/v1/batch", {"batch": [sized(30_000)] * 30}, X_Write_Key="l")

    assert [answer.status for answer in refused] == [413, 207, 400, 400]
    assert [answer.json["code"] for answer in refused] == [
        "body_too_large",
        "event_too_large",
        "too_many_events",
        "event_too_large",
    ]
    assert (taken.status, taken.json["Accepted"]) == (200, 30)
