"""Searching the journal: what is found does not depend on the index, and takes a bounded time."""

import json
import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.inspector.queries import events
from gateway.inspector.queries.errors import InvalidQuery
from gateway.inspector.queries.events import EventRow
from gateway.inspector.queries.filters import MAX_LIMIT, Filter
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.search.building import Sizes
from gateway.journal.segments import files
from gateway.raw import timestamps
from tests.build import event_line, event_lines
from tests.inspector.inspecting import fill, index, inspection

SMALL = Sizes(min_events=1, granule_bytes=2000, run_entries=100, unwritten_events=1)
START = timestamps.read("2026-11-01T00:00:00Z")
USERS = ("u1", "u2", 'quoted "name"', "ünï", "a/b<c>", "\U0001f600")
NAMES = ("Ordered", "Left", "Größe")


def made(number: int, chance: random.Random) -> bytes:
    """Return an event that has much in common with others; the time of receipt is its number in seconds."""
    fields: dict[str, Any] = {
        "type": "track",
        "messageId": f"m{number}",
        "event": chance.choice(NAMES),
        "userId": chance.choice(USERS),
        "properties": {"sku": f"S-{number % 7}", "note": chance.choice(USERS)},
        "receivedAt": timestamps.write(START + number * 1000),
        "source": {"name": chance.choice(("web", "app")), "dialect": "segment"},
    }
    if number % 5 == 0:
        fields["anonymousId"] = "u2"
    if number % 11 == 0:
        fields |= {"type": "page", "name": fields.pop("event")}
    if number % 13 == 0:
        fields["warnings"] = [{"code": "empty_value", "field": "context.ip"}] * 2
    return json.dumps(fields, ensure_ascii=chance.random() < 0.5, separators=(",", ":")).encode()


def everything(asked: Inspection, filter: Filter) -> Iterator[EventRow]:
    """Yield the rows of all pages."""
    while True:
        page = events.events(asked, filter)
        yield from page.items
        if page.next is None:
            return
        filter = msgspec.structs.replace(filter, cursor=page.next)


FILTERS = {
    "nothing": Filter(),
    "message id": Filter(message_id="m77"),
    "user or anonymous id": Filter(user="u2"),
    "user with quotes": Filter(user=USERS[2]),
    "user with letters beyond ASCII": Filter(user="ünï"),
    "user with characters that some encoders escape": Filter(user="a/b<c>"),
    "event": Filter(event="Größe"),
    "source": Filter(source="app"),
    "type": Filter(type="page"),
    "name of a page": Filter(type="page", event="Left"),
    "code": Filter(code="empty_value"),
    "repaired": Filter(verdict="repaired"),
    "not repaired": Filter(verdict="accepted", event="Left"),
    "text": Filter(text="s-3"),
    "text with quotes": Filter(text=USERS[2]),
    "text beyond ASCII": Filter(text="\U0001f600"),
    "text as JSON": Filter(text='"sku":"S-4"'),
    "time": Filter(since="2026-11-01T00:01:00Z", until="2026-11-01T00:02:00.000Z"),
    "time and user": Filter(user="u1", since="2026-11-01T00:03:00Z"),
    "everything at once": Filter(
        user="u2", event="Left", source="web", type="track", text="S-", until="2026-11-01T00:04:00Z"
    ),
    "no such user": Filter(user="nobody"),
}


def admits(filter: Filter, line: bytes) -> bool:
    """Return True if a filter admits an event, said in another way than the search does."""
    event = json.loads(line)
    warnings = {each["code"] for each in event.get("warnings", ())}
    at = event["receivedAt"]
    return (
        filter.message_id in ("", event["messageId"])
        and filter.user in ("", event["userId"], event.get("anonymousId"))
        and filter.event in ("", event.get("event", event.get("name")))
        and filter.source in ("", event["source"]["name"])
        and filter.type in ("", event["type"])
        and (not filter.code or filter.code in warnings)
        and {"": True, "repaired": bool(warnings), "accepted": not warnings}[filter.verdict]
        and filter.text.lower()
        in json.dumps(event, ensure_ascii=False, separators=(",", ":")).replace('\\"', '"').lower()
        and (not filter.since or timestamps.read(at) >= timestamps.read(filter.since))
        and (not filter.until or timestamps.read(at) < timestamps.read(filter.until))
    )


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    chance = random.Random(1)
    return [made(number, chance) for number in range(250)]


@pytest.fixture(
    scope="module", params=["nothing indexed", "half indexed", "all indexed", "a gap in the index"]
)
def journal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> Path:
    """Two partitions, one with the even numbers and one with the odd, and an index of some of them."""
    folder = tmp_path_factory.mktemp("journal")
    for partition in (0, 1):
        own = lines[partition::2]
        fill(folder, own[:60], partition=str(partition), chunk=6)
        if request.param == "half indexed":
            index(folder, SMALL)
        fill(folder, own[60:], partition=str(partition), chunk=6)
    if request.param in ("all indexed", "a gap in the index"):
        index(folder, SMALL)
    if request.param == "a gap in the index":
        sorted((folder / "search/0").iterdir())[1].unlink()
    return folder


@pytest.mark.parametrize("filter", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("limit", [17, MAX_LIMIT])
def test_pages_have_all_events_that_match_the_newest_first(
    journal: Path, lines: list[bytes], filter: Filter, limit: int
) -> None:
    expected = [json.loads(line)["messageId"] for line in reversed(lines) if admits(filter, line)]

    found = list(everything(inspection(journal), msgspec.structs.replace(filter, limit=limit)))

    assert [row.message_id for row in found] == expected


def test_without_a_journal_there_are_no_events(tmp_path: Path) -> None:
    page = events.events(inspection(tmp_path), Filter())

    assert (page.items, page.next, page.partial) == ([], None, False)


def test_a_row_shows_the_event(tmp_path: Path) -> None:
    warnings = [{"code": "empty_value", "field": "a"}, {"code": "missing_id", "field": "b"}] * 2
    fill(tmp_path, [event_line(7, anonymousId="a1", warnings=warnings)])

    [row] = events.events(inspection(tmp_path), Filter()).items

    assert row == EventRow(
        position="0/0",
        received_at="2026-01-01T12:00:00.000Z",
        source="default",
        dialect="segment",
        type="track",
        event="Ordered",
        message_id="m7",
        user_id="u1",
        anonymous_id="a1",
        verdict="repaired",
        codes=("empty_value", "missing_id"),
    )


def test_events_that_come_meanwhile_are_on_no_later_page(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 10))
    asked = inspection(tmp_path)
    first = events.events(asked, Filter(limit=4))

    fill(tmp_path, event_lines(10, 20))
    fill(tmp_path, event_lines(20, 30), partition="1")
    second = events.events(asked, Filter(limit=9, cursor=first.next or ""))

    assert [row.message_id for row in first.items + second.items] == [f"m{n}" for n in reversed(range(10))]
    assert second.next is None


def test_a_search_ends_early_with_a_cursor_to_go_on(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 100))
    fill(tmp_path, event_lines(100, 200), partition="1")
    asked = inspection(tmp_path)
    seconds = count(0.0)
    pages = []
    cursor: str | None = ""

    while cursor is not None:
        page = events.events(asked, Filter(message_id="m0", cursor=cursor), lambda: next(seconds))
        pages.append(page)
        cursor = page.next

    assert [row.message_id for page in pages for row in page.items] == ["m0"]
    assert [page.partial for page in pages] == [True] * (len(pages) - 1) + [False]
    assert len(pages) > 5


def test_large_events_are_examined_a_few_megabytes_at_a_time(tmp_path: Path) -> None:
    fill(tmp_path, [event_line(number, properties={"x": "x" * 200_000}) for number in range(100)], chunk=1)
    seconds = count(0.0)

    page = events.events(inspection(tmp_path), Filter(user="nobody"), lambda: next(seconds))

    assert page.partial
    assert int((page.next or "").removeprefix("0/")) >= 80


def test_what_is_damaged_or_released_costs_no_other_event(tmp_path: Path) -> None:
    for start in (0, 100, 200):
        fill(tmp_path, event_lines(start, start + 100), chunk=5)
    index(tmp_path, SMALL)
    (tmp_path / "0" / files.name(0)).unlink()
    damaged = tmp_path / "0" / files.name(100)
    damaged.write_bytes(damaged.read_bytes().replace(b'"m152"', b'"m999"'))

    found = [row.message_id for row in everything(inspection(tmp_path), Filter(user="u1"))]

    assert found == [f"m{n}" for n in reversed(range(100, 300)) if not 150 <= n < 155]


@pytest.mark.parametrize(
    ("filter", "key"),
    [
        pytest.param(Filter(limit=0), "limit", id="no rows"),
        pytest.param(Filter(limit=MAX_LIMIT + 1), "limit", id="too many rows"),
        pytest.param(Filter(since="yesterday"), "since", id="since no time"),
        pytest.param(Filter(until="2026-13-01"), "until", id="until no date"),
        pytest.param(Filter(verdict="lost"), "verdict", id="unknown verdict"),
        pytest.param(Filter(cursor="0"), "cursor", id="no position"),
        pytest.param(Filter(cursor="0/1,"), "cursor", id="cut off"),
        pytest.param(Filter(cursor="../1"), "cursor", id="no partition"),
        pytest.param(Filter(cursor="0/9999999999999999999"), "cursor", id="too large a number"),
    ],
)
def test_a_mistake_in_a_filter_is_named(tmp_path: Path, filter: Filter, key: str) -> None:
    with pytest.raises(InvalidQuery, match=f"^{key}: "):
        events.events(inspection(tmp_path), filter)


def test_refused_events_are_not_in_the_journal(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 3))

    assert events.events(inspection(tmp_path), Filter(verdict="refused")).items == []


def test_an_age_is_a_time(tmp_path: Path) -> None:
    now = timestamps.write(files.milliseconds())
    fill(tmp_path, [event_line(0), event_line(1, receivedAt=now)])

    found = events.events(inspection(tmp_path), Filter(since="1h")).items

    assert [row.message_id for row in found] == ["m1"]


@pytest.mark.parametrize("text", ["\x00", "\ud800", '"', "\\", "%", "x" * 10_000])
def test_any_text_may_be_looked_for(tmp_path: Path, text: str) -> None:
    fill(tmp_path, event_lines(0, 3))
    index(tmp_path)
    asked = inspection(tmp_path)

    found = [
        events.events(asked, msgspec.structs.replace(Filter(), **{field: text})).items
        for field in ("source", "type", "event", "user", "message_id", "code")
    ]

    assert found == [[]] * 6
    assert len(events.events(asked, Filter(text=text)).items) == (3 if text == '"' else 0)
