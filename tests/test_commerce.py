"""What shops report, in both vocabularies."""

import json
from typing import Any

import pytest

from gateway.commerce import EVENTS, PROPERTIES, translate
from gateway.sources import Source
from tests.build import Door, event_line, track

ITEM = {
    "id": "S1",
    "list_position": 2,
    "quantity": 2,
    "product": {"id": "P1", "name": "Shirt", "price": 8.50},
}
PRODUCT = {"product_id": "P1", "name": "Shirt", "price": 8.50, "sku": "S1", "position": 2, "quantity": 2}


def translated(vocabulary: Any, event: str, properties: Any) -> tuple[str, Any]:
    found = json.loads(translate(event_line(event=event, properties=properties), vocabulary))
    return found["event"], found["properties"]


@pytest.mark.parametrize(("theirs", "ours"), EVENTS.items())
def test_every_event_has_its_name_in_both(theirs: str, ours: str) -> None:
    assert translated("segment", theirs, {})[0] == ours
    assert translated("commandersact", ours, {})[0] == theirs


@pytest.mark.parametrize(("theirs", "ours"), PROPERTIES.items())
def test_every_property_has_its_name_in_both(theirs: str, ours: str) -> None:
    assert translated("segment", "purchase", {theirs: 1}) == ("Order Completed", {ours: 1})
    assert translated("commandersact", "Order Completed", {ours: 1}) == ("purchase", {theirs: 1})


def test_items_are_products() -> None:
    theirs = {"id": "O", "items": [ITEM, {**ITEM, "id": "S2"}], "currency": "EUR"}
    ours = {"order_id": "O", "products": [PRODUCT, {**PRODUCT, "sku": "S2"}], "currency": "EUR"}

    assert translated("segment", "purchase", theirs) == ("Order Completed", ours)
    assert translated("commandersact", "Order Completed", ours) == ("purchase", theirs)


def test_the_only_item_of_an_event_about_one_product_is_the_event_itself() -> None:
    theirs = {"currency": "EUR", "items": [ITEM]}
    ours = {"currency": "EUR", **PRODUCT}

    assert translated("segment", "add_to_cart", theirs) == ("Product Added", ours)
    assert translated("commandersact", "Product Added", ours) == ("add_to_cart", theirs)


def test_a_name_that_is_taken_is_left_alone() -> None:
    assert translated("segment", "purchase", {"id": 1, "order_id": 2})[1] == {"id": 1, "order_id": 2}


@pytest.mark.parametrize("items", [1, "x", [1], {}, None], ids=str)
def test_items_of_another_kind_stay(items: Any) -> None:
    assert translated("segment", "purchase", {"items": items})[1] == {"items": items}


@pytest.mark.parametrize("event", ["Clicked", "Order Completed"])
def test_what_is_no_event_of_a_shop_or_is_translated_already_stays(event: str) -> None:
    line = event_line(event=event, properties={"id": 1})

    assert translate(line, "segment") == line


def test_digits_stay() -> None:
    line = event_line(event="purchase").replace(b'"properties":{}', b'"properties":{"value":1.50}')

    assert b'"total":1.50' in translate(line, "segment")


def test_a_source_can_have_all_its_events_translated() -> None:
    door = Door(Source("shop", ("dev",), translate="commandersact"))

    door.post("/v1/track", track(event="Order Completed", properties={"order_id": 1}))

    assert (door.event["event"], door.event["properties"]) == ("purchase", {"id": 1})
