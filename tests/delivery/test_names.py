"""The names of events, found without decoding them."""

from typing import Any

import pytest

from gateway.delivery import names
from tests.build import event_line

FAKE = '","event":"Fake","properties":'


@pytest.mark.parametrize(
    "event", ["Ordered", 'with "quotes"', "back\\slash\\", "\\", '"', "line\nbreak", "Café 日本", FAKE, " "]
)
def test_the_name_is_what_decoding_finds(event: str) -> None:
    assert names.count([event_line(event=event)] * 2) == {("track", event): 2}


def test_events_without_a_name_count_under_their_type() -> None:
    page = event_line(type="page").replace(b'"event":"Ordered",', b"")

    assert names.count([page, event_line()]) == {("page", ""): 1, ("track", "Ordered"): 1}


@pytest.mark.parametrize(
    "fields",
    [{"userId": FAKE}, {"messageId": FAKE}, {"properties": {"x": "y", "event": "Fake"}}],
    ids=["in the userId", "in the messageId", "in the properties"],
)
def test_no_other_field_is_taken_for_the_name(fields: dict[str, Any]) -> None:
    page = event_line(type="page", **fields).replace(b'"event":"Ordered",', b"")

    assert names.count([page]) == {("page", ""): 1}


def test_of_a_large_batch_the_sum_is_exact_and_the_shares_are_about_right() -> None:
    lines = [event_line(number, event="Ordered" if number % 4 else "Viewed") for number in range(10_000)]
    data = b"".join(line + b"\n" for line in lines)

    found = names.count_batch(data, len(lines))

    assert found.total() == 10_000
    assert 6500 < found["track", "Ordered"] < 8500


def test_of_a_small_batch_each_name_is_counted() -> None:
    lines = [event_line(number, event=f"name {number}") for number in range(names.MAX_COUNTED)]

    found = names.count_batch(b"".join(line + b"\n" for line in lines), len(lines))

    assert set(found.values()) == {1}
    assert len(found) == names.MAX_COUNTED
