"""Enrichment of events from the catalogue."""

import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.config.secret import Secret
from gateway.delivery.enrich import Enricher
from gateway.errors import StateUnavailable
from gateway.postgresql.place import Remote
from gateway.records.base import Record
from gateway.records.places import open_table
from gateway.records.table import FileTable
from tests import databases
from tests.build import event_line

SHIRT = {"id": "P1", "name": "Shirt", "brand": "B", "category_1": "Tops", "price": 9.5}
SITE = {"name": "shop", "dialect": "segment", "siteId": "29"}


def complete(folder: Path, properties: Any, source: Any = SITE) -> Any:
    catalogue = FileTable(folder / "products.db")
    catalogue.merge("29", [Record("P1", json.dumps(SHIRT).encode())])
    [line] = Enricher(folder / "products.db").enrich([event_line(properties=properties, source=source)])
    return json.loads(line)["properties"]


def test_an_item_gains_missing_properties_and_keeps_its_own(tmp_path: Path) -> None:
    item = {"id": "S1", "quantity": 2, "product": {"id": "P1", "price": 8, "name": "Mine"}}

    found = complete(tmp_path, {"items": [item, {"product": {"id": "unknown"}}, {"id": "none"}]})

    assert found == {
        "items": [
            {**item, "product": {**SHIRT, "price": 8, "name": "Mine"}},
            {"product": {"id": "unknown"}},
            {"id": "none"},
        ]
    }


def test_a_segment_product_gains_properties_with_segment_names(tmp_path: Path) -> None:
    found = complete(
        tmp_path, {"products": [{"product_id": "P1", "price": 8}, {"product_id": "P1", "price": 8}]}
    )

    full = {"product_id": "P1", "price": 8, "name": "Shirt", "brand": "B", "category": "Tops"}
    assert found == {"products": [full, full]}


def test_objects_that_only_resemble_a_product_are_not_changed(tmp_path: Path) -> None:
    properties = {"first": {"id": "P1"}, "items": [{"gift": {"id": "P1"}, "product": {"id": "P1"}}]}

    found = complete(tmp_path, properties)

    assert found == {"first": {"id": "P1"}, "items": [{"gift": {"id": "P1"}, "product": SHIRT}]}


def test_the_same_text_can_be_a_product_in_items_but_not_in_products(tmp_path: Path) -> None:
    found = complete(tmp_path, {"items": [{"product": {"id": "P1"}}], "products": [{"id": "P1"}]})

    assert found == {"items": [{"product": SHIRT}], "products": [{"id": "P1"}]}


def test_a_product_can_contain_another(tmp_path: Path) -> None:
    outer = {"id": "unknown", "replaces": {"id": "P1"}}

    found = complete(tmp_path, {"items": [{"product": outer}, {"product": {"id": "P1"}}]})

    assert found == {"items": [{"product": outer}, {"product": SHIRT}]}


def test_an_event_can_have_items_and_products(tmp_path: Path) -> None:
    found = complete(tmp_path, {"products": [{"product_id": "P1"}], "items": [{"product": {"id": "P1"}}]})

    assert found["items"] == [{"product": SHIRT}]
    assert found["products"][0]["name"] == "Shirt"


@pytest.mark.parametrize("items", [1, [1], {"product": 1}, [{"product": 1}], None], ids=str)
def test_items_of_another_type_are_not_changed(tmp_path: Path, items: Any) -> None:
    assert complete(tmp_path, {"items": items, "product": 1}) == {"items": items, "product": 1}


@pytest.mark.parametrize("source", [{**SITE, "siteId": "30"}, {"name": "shop", "dialect": "segment"}])
def test_a_catalogue_applies_only_to_its_site(tmp_path: Path, source: Any) -> None:
    properties = {"items": [{"product": {"id": "P1"}}]}

    assert complete(tmp_path, properties, source) == properties


@pytest.mark.parametrize("kind", databases.KINDS)
def test_a_change_of_the_catalogue_is_noticed(tmp_path: Path, kind: str) -> None:
    line = event_line(properties={"items": [{"product": {"id": "a"}}]}, source=SITE)

    names = []
    with databases.place(kind, tmp_path, "products") as place:
        enricher = Enricher(place)
        before = enricher.enrich([line])
        catalogue = open_table(place)
        for name in ("one", "two"):
            catalogue.merge("29", [Record("a", json.dumps({"name": name}).encode())])
            [found] = enricher.enrich([line])
            names.append(json.loads(found)["properties"]["items"][0]["product"]["name"])

    assert (before, names) == ([line], ["one", "two"])


def test_events_wait_for_a_catalogue_in_a_database_that_cannot_be_read() -> None:
    enricher = Enricher(Remote(Secret("postgresql://127.0.0.1:1/none"), "products"))

    with pytest.raises(StateUnavailable):
        enricher.enrich([event_line(source=SITE)])


def test_without_a_readable_catalogue_events_are_not_changed(tmp_path: Path) -> None:
    (tmp_path / "p.db").write_bytes(b"no database" * 1000)
    line = event_line(properties={"items": [{"product": {"id": "a"}}]}, source=SITE)

    assert Enricher(tmp_path / "p.db").enrich([line]) == [line]


def test_a_catalogue_that_was_removed_or_replaced_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "products.db"
    catalogue = FileTable(file)
    enricher = Enricher(file)
    line = event_line(properties={"items": [{"product": {"id": "a"}}]}, source=SITE)

    found = []
    for name in ("one", "", "two"):
        for each in tmp_path.glob("products.db*"):
            each.unlink()
        if name:
            catalogue.merge("29", [Record("a", json.dumps({"name": name}).encode())])
        [found_line] = enricher.enrich([line])
        found.append(json.loads(found_line)["properties"]["items"][0]["product"].get("name"))

    assert found == ["one", None, "two"]


def test_an_unreadable_catalogue_is_logged_once(tmp_path: Path) -> None:
    file = tmp_path / "products.db"
    file.write_bytes(b"no database" * 1000)
    enricher = Enricher(file)
    line = event_line(properties={"items": [{"product": {"id": "a"}}]}, source=SITE)

    with capture_logs() as logs:
        enricher.enrich([line])
        enricher.enrich([line])
        file.unlink()
        FileTable(file)
        enricher.enrich([line])
        enricher.enrich([line])

    assert [(each["log_level"], each["event"]) for each in logs] == [
        ("warning", "catalogue unavailable, events delivered without enrichment"),
        ("info", "catalogue available again"),
    ]
