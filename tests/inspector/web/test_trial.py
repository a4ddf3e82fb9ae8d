"""Trying a refused event again: judged as the intake would now, with the key of a source."""

from pathlib import Path
from typing import Any

import pytest

from gateway.inspector.queries.errors import InvalidQuery
from gateway.inspector.queries.filters import Filter
from gateway.inspector.queries.refused import RefusedRow, refused
from gateway.inspector.web.trial import trial
from gateway.services.validation import Item
from gateway.sources import Source
from tests.inspector.keeping import RecordedDoor, inspect
from tests.inspector.visitor import configured

CONFIG = """
[sources.website]
write_keys = ["website-key"]
site_id = "1234"
[sinks.archive]
kind = "null"
[sinks.ads]
kind = "null"
consent = ["ads"]
"""
EVENT = '{"type": "track", "userId": "u1", "event": "Hello"}'


def row(**fields: Any) -> RefusedRow:
    given: dict[str, Any] = {
        **dict.fromkeys(("id", "message", "details", "source", "query", "message_id", "user_agent"), ""),
        "at": "2026-11-26T09:00:00.000Z",
        "code": "missing_event",
        "dialect": "segment",
        "method": "POST",
        "route": "/v1/track",
        "place": None,
        "events": 1,
        "address": "192.0.2.0",
        "headers": {},
        "body": "",
        "body_bytes": 0,
    }
    return RefusedRow(**{**given, **fields})


def judge(folder: Path, refused: RefusedRow, body: str = EVENT, source: str = "website") -> Item:
    config = configured(folder, CONFIG)
    return trial(lambda: config)(refused, body, source)


def test_what_was_mended_is_accepted(tmp_path: Path) -> None:
    item = judge(tmp_path, row())

    assert item.verdict == "accepted"
    assert {fate.sink: fate.outcome for fate in item.sinks} == {"archive": "delivered", "ads": "delivered"}


@pytest.mark.parametrize("route", ["/v1/track", "/v1/batch", "/api/s/track", "/api/s/s2s/batch"])
def test_what_was_refused_alone_is_tried_alone(tmp_path: Path, route: str) -> None:
    door = RecordedDoor(tmp_path, Source("website", ("website-key",)))
    door.post(route, {"type": "track", "userId": "u1"}, X_Write_Key="website-key")
    door.write()
    [refused_row] = refused(inspect(tmp_path), Filter()).items

    item = judge(tmp_path, refused_row)

    assert (refused_row.code, item.verdict) == ("missing_event", "accepted")


@pytest.mark.parametrize("body", ["[]", "{}"])
def test_what_holds_no_event_is_ignored(tmp_path: Path, body: str) -> None:
    assert judge(tmp_path, row(dialect="webhook", route="/v1/webhook"), body).verdict == "ignored"


def test_what_was_not_is_refused_with_the_reason(tmp_path: Path) -> None:
    item = judge(tmp_path, row(), '{"userId": "u1"}')

    assert (item.verdict, item.code) == ("refused", "missing_event")


@pytest.mark.parametrize(
    ("refused", "body"),
    [
        pytest.param(row(), '{"writeKey": "***", "userId": "u1", "event": "Hello"}', id="a key in the body"),
        pytest.param(row(headers={"authorization": "***"}), EVENT, id="a key in a header"),
        pytest.param(row(query="writeKey=***"), EVENT, id="a key in the query"),
        pytest.param(row(route="/v1/batch", place=3), EVENT, id="one of a batch"),
        pytest.param(row(route="/v1/batch"), f'{{"batch": [{EVENT}]}}', id="a whole batch"),
        pytest.param(
            row(headers={"content-encoding": "gzip", "content-length": "9"}), EVENT, id="compressed"
        ),
        pytest.param(row(dialect="jitsu", route="/api/s/track"), EVENT, id="Jitsu"),
        pytest.param(row(dialect="webhook", route="/v1/webhook"), EVENT, id="a webhook"),
        pytest.param(
            row(
                dialect="pixel", method="GET", route="/v1/pixel/track", query="writeKey=***&userId=u&event=e"
            ),
            "",
            id="an image",
        ),
        pytest.param(
            row(dialect="commandersact", route="/events", query="tc_s=1234&token=***"),
            '{"event_name": "page_view"}',
            id="Commanders Act",
        ),
        pytest.param(
            row(dialect="commandersact.v1", route="/events"),
            '{"event_name": "page_view"}',
            id="without a key",
        ),
    ],
)
def test_the_key_of_the_source_takes_the_place_of_the_masked_one(
    tmp_path: Path, refused: RefusedRow, body: str
) -> None:
    assert judge(tmp_path, refused, body).verdict in ("accepted", "repaired")


def test_without_a_source_the_key_is_unknown(tmp_path: Path) -> None:
    assert judge(tmp_path, row(), EVENT, source="").code == "unknown_write_key"


@pytest.mark.parametrize(
    ("refused", "source"),
    [
        pytest.param(row(), "strange", id="a source that does not exist"),
        pytest.param(row(dialect="strange"), "website", id="a dialect that does not exist"),
        pytest.param(row(route="/strange"), "website", id="a route that does not exist"),
    ],
)
def test_what_cannot_be_tried_is_said(tmp_path: Path, refused: RefusedRow, source: str) -> None:
    with pytest.raises(InvalidQuery):
        judge(tmp_path, refused, source=source)


@pytest.mark.parametrize("body", ["", "{", "\x00", "[" * 5000, '{"writeKey": "\\u0000***"}'])
def test_any_body_gets_a_verdict(tmp_path: Path, body: str) -> None:
    assert judge(tmp_path, row(), body).verdict == "refused"
