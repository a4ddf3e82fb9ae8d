"""The page of dead letters: its form changes what the page has shown, and nothing else."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Culprit, SinkRefused
from gateway.state.letters import Choice
from tests.cli.deliveries import Stopped
from tests.gateway import DEFAULTS
from tests.inspector.visitor import BROWSER, visitor

EVERYTHING = {"all": ["1"]}


class Desk:
    """An operator's browser, and the gateway that it looks at: letters 3 and 7 are dead."""

    def __init__(self, folder: Path) -> None:
        self.gateway = Stopped(folder)
        self.client = visitor(folder, text=DEFAULTS, headers=BROWSER)

    def look(self, address: str = "/dead") -> dict[str, list[str]]:
        """Return the fields of the form on a page, with nothing ticked."""
        return to_fields(self.client.get(address).text)

    def send(self, verb: str, fields: dict[str, list[str]]) -> Any:
        return self.client.post(f"/dead/{verb}", data=fields)

    def refuse_more(self) -> None:
        """Let event 11 become a dead letter."""
        self.gateway.keep(10, 12)
        self.gateway.deliver(SinkRefused("refused", {1: Culprit("too late")}))

    def left(self) -> list[int]:
        """Return the positions of the letters that no job retries and that are not dropped."""
        letters = self.gateway.open().dead.select(Choice())
        return [letter.position for letter in letters if letter.job is None]


def to_fields(page: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page):
        fields.setdefault(name, []).append(unescape(value))
    return fields


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def drop(desk: Desk, fields: dict[str, list[str]]) -> None:
    """Drop what a form chooses, as both of its pages ask it."""
    asked = desk.send("drop", fields)
    assert asked.status_code == 200, asked.text
    assert desk.send("drop", to_fields(asked.text)).status_code == 303


def retry(desk: Desk, fields: dict[str, list[str]]) -> None:
    assert desk.send("retry", fields).status_code == 303


@pytest.mark.parametrize("change", [drop, retry])
def test_everything_is_what_matches_the_filter(desk: Desk, change: Callable[..., None]) -> None:
    change(desk, desk.look("/dead?user=u1&sink=events&since=1h") | EVERYTHING)

    assert desk.left() == []


@pytest.mark.parametrize("change", [drop, retry])
@pytest.mark.parametrize("until", ["", "?until=0s"], ids=["without a time", "with an age"])
def test_letters_that_came_after_the_page_are_left(
    desk: Desk, until: str, change: Callable[..., None]
) -> None:
    fields = desk.look(f"/dead{until}")

    desk.refuse_more()
    change(desk, fields | EVERYTHING)

    assert desk.left() == [11]


def test_letters_that_came_after_they_were_counted_are_left(desk: Desk) -> None:
    asked = desk.send("drop", desk.look() | EVERYTHING)

    desk.refuse_more()
    desk.send("drop", to_fields(asked.text))

    assert "Drop 2 dead letters?" in asked.text
    assert desk.left() == [11]


@pytest.mark.parametrize("verb", ["drop", "retry"])
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="nothing is ticked"),
        pytest.param(EVERYTHING, id="no page was seen"),
        pytest.param({**EVERYTHING, "until": ["2099-01-01"], "text": ["m3"]}, id="a text"),
        pytest.param({**EVERYTHING, "until": ["2099-01-01"], "verdict": ["refused"]}, id="a verdict"),
    ],
)
def test_a_form_that_chooses_by_what_cannot_be_told_changes_nothing(
    desk: Desk, verb: str, fields: dict[str, list[str]]
) -> None:
    answer = desk.send(verb, {"sure": ["1"], **fields})

    assert answer.status_code == 400
    assert desk.left() == [3, 7]


def test_what_a_text_finds_is_changed_one_by_one(desk: Desk) -> None:
    page = desk.client.get("/dead?text=m3").text
    ids = re.findall(r'name="id" value="(\d+)"', page)

    drop(desk, to_fields(page) | {"id": ids})

    assert 'name="all"' not in page
    assert desk.left() == [7]
