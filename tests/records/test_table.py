"""Tables of records that several processes share, in a file and in PostgreSQL."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from gateway.postgresql.place import Place
from gateway.records.base import Record, Table
from gateway.records.places import open_catalogue, open_table
from tests import databases


@pytest.fixture(params=databases.KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place without products."""
    with databases.place(request.param, tmp_path, "products") as place:
        yield place


@pytest.fixture
def table(place: Place) -> Iterator[Table]:
    opened = open_table(place)
    yield opened
    opened.close()


def record(id: str, **fields: Any) -> Record:
    return Record(id, json.dumps(fields).encode())


def found(table: Table, id: str) -> Any:
    return json.loads(table.find("29", id) or b"null")


def test_merged_records_are_visible_to_another_process(place: Place, table: Table) -> None:
    other = open_table(place)

    table.merge("29", [record("a", name="A"), record("b", name="B")])
    other.merge("29", [record("a", price=1)])

    assert (found(table, "a"), found(other, "b")) == ({"name": "A", "price": 1}, {"name": "B"})
    other.close()


def test_fields_win_objects_merge_and_null_takes_away(table: Table) -> None:
    table.merge("29", [record("a", x=1, y={"p": 1}, z=1, n=None)])

    table.merge("29", [record("a", x=2, y={"q": 2}, z=None)])

    assert found(table, "a") == {"x": 2, "y": {"p": 1, "q": 2}}


def test_a_record_that_comes_twice_is_merged_twice(table: Table) -> None:
    table.merge("29", [record("a", x=1, y=1), record("b"), record("a", x=2)])

    assert found(table, "a") == {"x": 2, "y": 1}


def test_the_digits_of_numbers_are_kept(table: Table) -> None:
    table.merge("29", [Record("a", b'{"price":1.50,"big":12345678901234567890}')])

    assert table.find("29", "a") == b'{"price":1.50,"big":12345678901234567890}'


def test_any_character_can_be_kept(table: Table) -> None:
    id, line = "a\0'%s\u1f600?", b'{"name":"\\u0000 \\ud83d\\ude00 %s ? \xf0\x9f\x98\x80"}'

    table.merge("29", [Record(id, line)])

    assert json.loads(table.find("29", id) or b"") == json.loads(line)


def test_sites_are_separate(table: Table) -> None:
    table.merge("29", [record("a")])

    assert table.find("30", "a") is None


def test_a_removed_record_is_not_found(table: Table) -> None:
    table.merge("29", [record("a")])

    table.remove("29", "a")
    table.remove("29", "never there")

    assert table.find("29", "a") is None


def test_nothing_is_lost_where_many_merge_the_same_records(place: Place, table: Table) -> None:
    def merge(number: int) -> None:
        own = open_table(place)
        for round in range(10):
            ids = ["a", "b", "c"] if number % 2 else ["c", "b", "a"]
            own.merge("29", [record(id, **{f"{number}-{round}": 1}) for id in ids])

    threads = [Thread(target=merge, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [len(found(table, id)) for id in "abc"] == [40, 40, 40]


def test_the_catalogue_changes_with_the_products(place: Place, table: Table) -> None:
    catalogue = open_catalogue(place)
    table.merge("29", [record("a", n=1), record("b", n=1)])
    before = catalogue.version()
    seen = [catalogue.find("29", id) for id in "abc"]
    table.merge("29", [record("a", n=2), record("c", n=2)])

    assert catalogue.version() != before
    assert catalogue.version() == catalogue.version()
    assert seen == [b'{"n":1}', b'{"n":1}', None]
    assert [catalogue.find("29", id) for id in "abc"] == [b'{"n":2}', b'{"n":1}', b'{"n":2}']
    catalogue.close()
