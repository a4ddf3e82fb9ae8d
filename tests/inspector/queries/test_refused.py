"""What the inspector shows of refused events: each with its body and cause, bounded whatever comes."""

import json
from pathlib import Path

import pytest

from gateway.inspector.queries.errors import InvalidQuery, NotFound
from gateway.inspector.queries.filters import Filter
from gateway.inspector.queries.refused import RefusedRow, counts, refusal, refused
from gateway.intake.recent import BURST
from gateway.sources import Source
from tests.build import track
from tests.inspector.keeping import RecordedDoor, inspect

WEBSITE = Source("website", ("web-key-1", "web-key-2"))


@pytest.fixture
def door(tmp_path: Path) -> RecordedDoor:
    return RecordedDoor(tmp_path, WEBSITE, Source("closed", ("closed-key",), enabled=False))


def rows(door: RecordedDoor, folder: Path, **filter: str) -> list[RefusedRow]:
    door.write()
    return refused(inspect(folder), Filter(**filter)).items  # type: ignore[arg-type]  # texts alone


def test_a_refused_event_is_shown_with_its_request_and_cause(door: RecordedDoor, tmp_path: Path) -> None:
    door.post("/v1/track?x=1", {"userId": "u1"}, X_Write_Key="web-key-1", User_Agent="curl/8", Cookie="a=b")

    [row] = rows(door, tmp_path)

    assert (row.code, row.source, row.dialect, row.route) == (
        "missing_event",
        "website",
        "segment",
        "/v1/track",
    )
    assert (row.method, row.query, row.place, row.events) == ("POST", "x=1", 0, 1)
    assert (row.address, row.user_agent) == ("192.0.2.0", "curl/8")
    assert (row.headers["cookie"], row.headers["x-write-key"]) == ("***", "***")
    assert (row.body, row.body_bytes) == ('{"userId":"u1"}', 15)
    assert row.message == "A track event needs an event name"
    assert refusal(inspect(tmp_path), row.id) == row


def test_an_event_of_a_batch_is_shown_alone_with_its_place(door: RecordedDoor, tmp_path: Path) -> None:
    batch = [track(messageId="m0"), {**track(messageId="m1"), "type": "sale"}, track(messageId="m2")]

    door.post("/v1/batch", {"writeKey": "web-key-2", "batch": batch}, X_Write_Key="")
    [row] = rows(door, tmp_path)

    assert (row.code, row.place, row.message_id, row.source) == ("unknown_type", 1, "m1", "website")
    assert json.loads(row.body) == batch[1]


@pytest.mark.parametrize(
    ("key", "source"),
    [("web-key-1", "website"), ("closed-key", "closed"), ("nobody-has-it", "")],
    ids=["a known key", "a disabled source", "an unknown key"],
)
def test_the_source_is_that_of_the_key_if_it_is_known(
    door: RecordedDoor, tmp_path: Path, key: str, source: str
) -> None:
    door.post("/v1/track", {"writeKey": key}, X_Write_Key="")

    [row] = rows(door, tmp_path)

    assert row.source == source
    assert json.loads(row.body) == {"writeKey": "***"}


def test_a_body_that_is_no_json_is_shown_as_it_came(door: RecordedDoor, tmp_path: Path) -> None:
    door.post("/v1/track", b'{"event": <b>"\xff')

    [row] = rows(door, tmp_path)

    assert row.code == "unreadable_body"
    assert row.body == '{"event": <b>"\N{REPLACEMENT CHARACTER}'


def test_a_large_body_is_cut(door: RecordedDoor, tmp_path: Path) -> None:
    door.post("/v1/track", {"userId": "u1", "x": "y" * 30_000}, X_Write_Key="web-key-1")

    [row] = rows(door, tmp_path)

    assert len(row.body) == 16 * 1024
    assert row.body_bytes > 30_000


def test_a_bug_of_the_gateway_is_shown_like_a_refusal(door: RecordedDoor, tmp_path: Path) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("with the text of an event")

    door.router.routes["/v1/track"].endpoint.process = crash  # type: ignore[assignment,method-assign]

    answer = door.post("/v1/track", track())
    [row] = rows(door, tmp_path)

    assert answer.status == 500
    assert (row.code, row.details, row.events) == ("internal_server_error", "RuntimeError", 1)


def test_masked_values_are_hidden_wherever_they_stand(door: RecordedDoor, tmp_path: Path) -> None:
    door.post(
        "/v1/track?email=jo@example.com", {"traits": {"Email": "jo@example.com"}}, X_Email="jo@example.com"
    )
    door.write()

    [row] = refused(inspect(tmp_path, mask=("email", "x-email")), Filter()).items

    assert "example.com" not in f"{row}"


def test_filters_select_and_the_newest_come_first(door: RecordedDoor, tmp_path: Path) -> None:
    door.post("/v1/track", {"userId": "first"}, X_Write_Key="web-key-1")
    door.post("/v1/track", {"userId": "second"}, X_Write_Key="other")
    door.post("/v1/page", b"{", X_Write_Key="web-key-1")

    assert [row.code for row in rows(door, tmp_path)] == [
        "unreadable_body",
        "unknown_write_key",
        "missing_event",
    ]
    assert [row.code for row in rows(door, tmp_path, source="website")] == [
        "unreadable_body",
        "missing_event",
    ]
    assert [row.code for row in rows(door, tmp_path, code="missing_event")] == ["missing_event"]
    assert [row.code for row in rows(door, tmp_path, text="SECOND")] == ["unknown_write_key"]
    assert rows(door, tmp_path, verdict="accepted") == []
    assert rows(door, tmp_path, until="2001-01-01T00:00:00Z") == []
    assert len(rows(door, tmp_path, since="1h")) == 3
    assert len(rows(door, tmp_path, since="99999999999999999d")) == 3


def test_pages_follow_each_other_without_a_gap(door: RecordedDoor, tmp_path: Path) -> None:
    for number in range(5):
        door.post("/v1/track", {"userId": f"u{number}"}, X_Write_Key="web-key-1")
    door.write()
    inspection = inspect(tmp_path)

    first = refused(inspection, Filter(limit=2))
    second = refused(inspection, Filter(limit=2, cursor=first.next or ""))
    third = refused(inspection, Filter(limit=2, cursor=second.next or ""))

    found = [json.loads(row.body)["userId"] for page in (first, second, third) for row in page.items]
    assert found == ["u4", "u3", "u2", "u1", "u0"]
    assert third.next is None


@pytest.mark.parametrize("id", ["0", "-1", "x", "9" * 30, "'"])
def test_another_id_is_not_found(tmp_path: Path, id: str) -> None:
    with pytest.raises(NotFound):
        refusal(inspect(tmp_path), id)


def test_another_cursor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidQuery):
        refused(inspect(tmp_path), Filter(cursor="1 OR 1"))


def test_a_flood_is_counted_whole_and_kept_in_part(door: RecordedDoor, tmp_path: Path) -> None:
    for _ in range(BURST + 50):
        door.post("/v1/track", {"userId": "u1"}, X_Write_Key="web-key-1")
    door.post("/v1/track", b"{", X_Write_Key="web-key-1")
    door.write()

    found = counts(inspect(tmp_path), "2020-01-01T00:00:00Z")

    assert sum(each.events for each in found if each.code == "missing_event") == BURST + 50
    assert sum(each.unkept for each in found if each.code == "missing_event") == 50
    assert [(each.source, each.events) for each in found if each.code == "unreadable_body"] == [
        ("website", 1)
    ]
    assert len(rows(door, tmp_path, code="unreadable_body")) == 1


def test_a_single_batch_is_no_flood(door: RecordedDoor, tmp_path: Path) -> None:
    door.post("/v1/batch", {"batch": [{"type": "sale"}] * 1000}, X_Write_Key="web-key-1")
    door.post("/v1/batch", {"batch": [{"type": "sale"}]}, X_Write_Key="web-key-1")

    found = rows(door, tmp_path, code="unknown_type")

    assert len(found) == 21
    [of_source, unknown] = sorted(counts(inspect(tmp_path), "1h"), key=lambda each: each.events)
    assert (of_source.source, of_source.events) == ("website", 21)
    assert (unknown.events, unknown.unkept) == (980, 980)


def test_a_flood_of_large_bodies_is_held_in_bounded_memory(door: RecordedDoor, tmp_path: Path) -> None:
    body = {"userId": "u1", "x": "y" * 7_000}

    for _ in range(400):
        door.post("/v1/batch", {"batch": [body, body]}, X_Write_Key="web-key-1")
    held = door.recent.collect_refusals()

    assert sum(len(each.submission.body) for each in held.kept) < 4 * 1024**2
    assert held.events.total() == 800
    assert held.unkept.total()
    assert held.unkept.total() + sum(len(each.causes) for each in held.kept) == 800


def test_they_go_after_seven_days(door: RecordedDoor, tmp_path: Path) -> None:
    door.post("/v1/track", {"userId": "old"}, X_Write_Key="web-key-1")
    door.write()
    door.now += 8 * 86_400
    door.post("/v1/track", b"{", X_Write_Key="web-key-1")

    assert rows(door, tmp_path, code="missing_event") == []
    assert [each.code for each in counts(inspect(tmp_path), "")] == ["unreadable_body"]


def test_a_folder_that_cannot_be_written_costs_no_answer(door: RecordedDoor, tmp_path: Path) -> None:
    (tmp_path / "diagnostics").write_bytes(b"a file")

    answer = door.post("/v1/track", {"userId": "u1"}, X_Write_Key="web-key-1")

    assert rows(door, tmp_path) == []
    assert answer.status == 400
