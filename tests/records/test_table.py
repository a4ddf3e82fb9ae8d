"""Records that several processes share."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import JournalUnavailable
from gateway.records.table import Record, Table


def record(id: str, **fields: Any) -> Record:
    return Record(id, json.dumps(fields).encode())


def test_what_was_merged_is_found_by_another_process(tmp_path: Path) -> None:
    one, other = Table(tmp_path / "t.db"), Table(tmp_path / "t.db")

    one.merge("29", [record("a", name="A"), record("b", name="B")])
    other.merge("29", [record("a", price=1)])

    assert json.loads(one.find("29", "a") or b"") == {"name": "A", "price": 1}
    assert json.loads(other.find("29", "b") or b"") == {"name": "B"}


def test_fields_win_objects_merge_and_null_takes_away(tmp_path: Path) -> None:
    table = Table(tmp_path / "t.db")
    table.merge("29", [record("a", x=1, y={"p": 1}, z=1, n=None)])

    table.merge("29", [record("a", x=2, y={"q": 2}, z=None)])

    assert json.loads(table.find("29", "a") or b"") == {"x": 2, "y": {"p": 1, "q": 2}}


def test_digits_are_kept(tmp_path: Path) -> None:
    table = Table(tmp_path / "t.db")

    table.merge("29", [Record("a", b'{"price":1.50,"big":12345678901234567890}')])

    assert table.find("29", "a") == b'{"price":1.50,"big":12345678901234567890}'


def test_sites_do_not_see_each_other(tmp_path: Path) -> None:
    table = Table(tmp_path / "t.db")

    table.merge("29", [record("a")])

    assert table.find("30", "a") is None


def test_what_was_removed_is_gone(tmp_path: Path) -> None:
    table = Table(tmp_path / "t.db")
    table.merge("29", [record("a")])

    table.remove("29", "a")
    table.remove("29", "never there")

    assert table.find("29", "a") is None


def test_a_place_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match=r"t\.db"):
        Table(tmp_path / "missing" / "t.db")
