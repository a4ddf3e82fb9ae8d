"""What the intake says that the events of a submission may carry: what it does not say, none of them does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.journal.chunk import CONSENT, INTEGRATIONS, PRODUCTS
from gateway.sources import Source
from tests.build import Door, track


def carried(event: Any, **source: Any) -> int:
    """What is said of one event, or of the JSON of one."""
    door = Door(Source("default", ("dev",), **source))
    assert door.post("/v1/track", event).status == 200
    [carries] = door.journal.carries
    return carries


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, 0, id="nothing"),
        pytest.param({"integrations": {}}, 0, id="empty integrations"),
        pytest.param({"integrations": {"All": True}}, INTEGRATIONS, id="integrations"),
        pytest.param({"context": {"page": {"title": "x"}}}, 0, id="a context"),
        pytest.param({"context": {"consent": {}}}, CONSENT, id="a consent"),
        pytest.param({"properties": {"products": []}}, PRODUCTS, id="products"),
        pytest.param({"properties": {"items": [{"product": {"id": "1"}}]}}, PRODUCTS, id="items"),
        pytest.param({"properties": {"price": 1}}, 0, id="other properties"),
    ],
)
def test_an_event_is_said_to_carry_what_it_does(fields: dict[str, Any], expected: int) -> None:
    assert carried(track(**fields)) == expected


def test_one_event_of_a_batch_is_enough() -> None:
    door = Door()

    door.post("/v1/batch", {"batch": [track(), track(integrations={"All": False}), track()]})

    assert door.journal.carries == [INTEGRATIONS]


def test_translation_may_make_products() -> None:
    event = track(event="Product Viewed", properties={"sku": "1"})

    assert carried(event, translate="commandersact") & PRODUCTS


def escaped(name: str, places: set[int]) -> str:
    """A name as a JSON text, some of whose characters are written as escapes."""
    written = (
        f"\\u{ord(character):04x}" if place in places else character for place, character in enumerate(name)
    )
    return f'"{"".join(written)}"'


@given(
    name=st.sampled_from(["consent", "context", "integrations", "cons"]),
    places=st.sets(st.integers(0, 6)),
    value=st.sampled_from(["{}", '{"1":true}', "null", "[]", "1"]),
)
def test_a_name_written_with_escapes_hides_nothing(name: str, places: set[int], value: str) -> None:
    body = f'{{"userId":"u","event":"e","context":{{"a":1,{escaped(name, places)}:{value}}}}}'
    door = Door()
    door.post("/v1/track", body.encode())
    [carries] = door.journal.carries
    [event] = door.events

    assert carries & CONSENT or "consent" not in json.loads(json.dumps(event["context"]))
