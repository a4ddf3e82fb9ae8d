"""The file of a table of records, which operators may remove, replace or damage."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.errors import JournalUnavailable
from gateway.records.base import Record
from gateway.records.table import FileTable

LOST = "records file removed or replaced, reopened"


def record(id: str, **fields: Any) -> Record:
    return Record(id, json.dumps(fields).encode())


def test_a_table_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match=r"t\.db"):
        FileTable(tmp_path / "missing" / "t.db")


@pytest.mark.parametrize("name", ["t.db", "t.db*"], ids=["without its logs", "with its logs"])
def test_a_removed_file_is_recreated_by_all_its_users(tmp_path: Path, name: str) -> None:
    one, other = FileTable(tmp_path / "t.db"), FileTable(tmp_path / "t.db")
    one.merge("29", [record("old")])
    for file in tmp_path.glob(name):
        file.unlink()

    with capture_logs() as logs:
        one.merge("29", [record("a", n=1)])
        other.merge("29", [record("b", n=2)])
        one.merge("29", [record("c", n=3)])

    third = FileTable(tmp_path / "t.db")
    for table in (one, other, third):
        assert [table.find("29", id) for id in ("old", "a", "b", "c")] == [
            None,
            b'{"n":1}',
            b'{"n":2}',
            b'{"n":3}',
        ]
    assert [(line["log_level"], line["event"]) for line in logs] == [("error", LOST)] * 2


def test_a_replacement_file_is_used_at_once(tmp_path: Path) -> None:
    table, backup = FileTable(tmp_path / "t.db"), FileTable(tmp_path / "backup.db")
    backup.merge("29", [record("a", n=1)])
    backup.close()
    (tmp_path / "backup.db").rename(tmp_path / "t.db")

    table.merge("29", [record("b", n=2)])

    assert (table.find("29", "a"), table.find("29", "b")) == (b'{"n":1}', b'{"n":2}')


def test_nothing_is_accepted_while_the_folder_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    table = FileTable(folder / "t.db")
    folder.rename(tmp_path / "aside")

    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(JournalUnavailable, match=r"t\.db"):
                table.merge("29", [record("a", n=1)])
    (tmp_path / "aside").rename(folder)
    table.merge("29", [record("a", n=2)])

    assert table.find("29", "a") == b'{"n":2}'
    assert [line["event"] for line in logs] == [LOST]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"no database" * 1000, id="another file"),
        pytest.param(lambda content: bytes(len(content)), id="zeros"),
    ],
)
def test_a_damaged_file_is_set_aside(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    table = FileTable(tmp_path / "t.db")
    table.merge("29", [record("a")])
    table.close()
    damaged = damage((tmp_path / "t.db").read_bytes())
    (tmp_path / "t.db").write_bytes(damaged)

    with capture_logs() as logs:
        again = FileTable(tmp_path / "t.db")
        again.merge("29", [record("b", n=1)])

    [aside] = tmp_path.glob("t.db.damaged-*")
    assert (aside.read_bytes(), again.find("29", "b")) == (damaged, b'{"n":1}')
    assert [line["log_level"] for line in logs] == ["error"]
