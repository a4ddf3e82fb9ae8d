"""The request of an accepted event: in memory always, on disk only where it is wanted."""

import time
from pathlib import Path
from threading import Event, Thread

import pytest

from gateway.config.units import Duration
from gateway.diagnostics.shapes import RAW
from gateway.diagnostics.store import fetch
from gateway.inspector.queries.raw import NoRaw, RawRequest, raw, watch
from gateway.intake.recent import MAX_BYTES, Recent
from gateway.intake.recorder import WATCHED_BYTES
from gateway.sources import Source
from tests.build import DEFAULT, track
from tests.inspector.keeping import RecordedDoor, inspect

INSPECTED = Source("default", ("dev",), inspect=Duration(7200))


def look(door: RecordedDoor, folder: Path, line: bytes, *sources: Source) -> RawRequest | NoRaw:
    """Ask for an event's request while the door's recorder writes, as in a running gateway."""
    over = Event()

    def keep_writing() -> None:
        while not over.wait(0.02):
            door.now = max(door.now, time.time())
            door.write()

    recording = Thread(target=keep_writing)
    recording.start()
    try:
        return raw(inspect(folder, *sources), line)
    finally:
        over.set()
        recording.join()


def test_a_request_in_memory_is_shown_as_it_came(tmp_path: Path) -> None:
    door = RecordedDoor(tmp_path)
    door.post("/v1/track?x=1", track(messageId="m1", context={"ip": "203.0.113.9"}), User_Agent="curl/8")

    found = look(door, tmp_path, door.journal.lines[0])

    assert isinstance(found, RawRequest)
    assert (found.method, found.route, found.query) == ("POST", "/v1/track", "x=1")
    assert (found.headers["user-agent"], found.headers["x-write-key"]) == ("curl/8", "***")
    assert '"messageId":"m1"' in found.body
    assert found.address == "192.0.2.0"


def test_an_event_of_a_batch_is_shown_alone(tmp_path: Path) -> None:
    door = RecordedDoor(tmp_path)
    batch = [
        track(messageId="m0"),
        {"type": "sale", "messageId": "m1"},
        track(messageId="m2", properties={"a": 1}),
    ]
    door.post("/v1/batch", {"batch": batch})

    found = look(door, tmp_path, door.journal.lines[1])

    assert isinstance(found, RawRequest)
    assert found.place == 2
    assert (
        found.body == '{"type":"track","userId":"u1","event":"Ordered","messageId":"m2","properties":{"a":1}}'
    )


def test_an_event_without_an_id_of_its_own_is_found_too(tmp_path: Path) -> None:
    door = RecordedDoor(tmp_path)
    door.post("/v1/track", track())

    found = look(door, tmp_path, door.journal.lines[0])

    assert isinstance(found, RawRequest)
    assert found.body == '{"type":"track","userId":"u1","event":"Ordered"}'


def test_nothing_is_written_while_nobody_looks(tmp_path: Path) -> None:
    door = RecordedDoor(tmp_path)

    door.post("/v1/track", track())
    door.write()

    assert not door.folder.exists()


@pytest.mark.parametrize("sources", [(DEFAULT,), (INSPECTED,)], ids=["some", "all of a source that says so"])
def test_while_somebody_looks_a_worker_writes_a_part_of_what_it_gets(
    tmp_path: Path, sources: tuple[Source, ...]
) -> None:
    door = RecordedDoor(tmp_path, *sources)
    event = track(properties={"long": "x" * (WATCHED_BYTES // 20)})
    watch(inspect(tmp_path))
    door.write()

    for _ in range(60):
        assert door.post("/v1/track", event).status == 200
    door.write()

    kept = 19 if sources == (DEFAULT,) else 60
    assert fetch(door.folder, RAW, "SELECT count(*) FROM requests") == [(kept,)]


def test_requests_of_a_source_are_kept_on_disk_if_it_says_so(tmp_path: Path) -> None:
    door = RecordedDoor(tmp_path, INSPECTED, Source("other", ("other",)))
    door.post("/v1/track", track(messageId="kept"))
    door.post("/v1/track", track(messageId="not"), X_Write_Key="other")

    door.write()
    found = raw(inspect(tmp_path, INSPECTED), door.journal.lines[0])

    assert isinstance(found, RawRequest)
    assert fetch(door.folder, RAW, "SELECT count(*) FROM requests") == [(1,)]


def test_they_go_when_their_time_is_over(tmp_path: Path) -> None:
    door = RecordedDoor(tmp_path, INSPECTED)
    door.post("/v1/track", track())
    door.write()
    door.now += 7300
    door.post("/v1/track", track())
    door.write()
    door.write()

    rows = fetch(door.folder, RAW, "SELECT count(*) FROM requests")

    assert rows == [(0,)]  # by the clock the second is as old as the first


def test_write_keys_never_reach_the_disk(tmp_path: Path) -> None:
    door = RecordedDoor(tmp_path, INSPECTED)

    door.post("/v1/track?writeKey=dev-key", {**track(), "writeKey": "dev"}, X_Write_Key="")
    door.write()

    [(body, query)] = fetch(door.folder, RAW, "SELECT body, query FROM requests")
    assert b'"writeKey":"***"' in body
    assert query == "writeKey=***"


@pytest.mark.parametrize("source", [DEFAULT, INSPECTED], ids=["without inspect", "with inspect"])
def test_a_request_that_is_gone_says_why(tmp_path: Path, source: Source) -> None:
    door = RecordedDoor(tmp_path, source)
    door.post("/v1/track", track())
    [line] = door.journal.lines
    lost = RecordedDoor(tmp_path, source)

    found = look(lost, tmp_path, line, source)

    assert isinstance(found, NoRaw)
    assert ("8 MB" in found.reason) == (source is DEFAULT)
    assert "inspect" in found.reason


def test_workers_that_do_not_answer_are_said(tmp_path: Path) -> None:
    door = RecordedDoor(tmp_path)
    door.post("/v1/track", track())

    found = raw(inspect(tmp_path), door.journal.lines[0])

    assert isinstance(found, NoRaw)
    assert "did not answer" in found.reason


def test_while_somebody_watches_all_requests_are_written(tmp_path: Path) -> None:
    door = RecordedDoor(tmp_path)
    door.post("/v1/track", track(messageId="before"))
    watch(inspect(tmp_path))

    door.write()
    door.post("/v1/track", track(messageId="after"))
    door.write()

    rows = fetch(door.folder, RAW, "SELECT events FROM requests ORDER BY id")
    assert [events for (events,) in rows] == ['[["before",null]]', '[["after",null]]']


@pytest.mark.parametrize("size", [100, 15_000], ids=["small", "large"])
def test_memory_is_bounded_by_the_bytes_of_requests(tmp_path: Path, size: int) -> None:
    door = RecordedDoor(tmp_path)
    body = track(properties={"a": "x" * size})
    header = "y" * 20_000

    for _ in range(1500):
        door.post("/v1/track", body, X_Filler=header)
        door.recent.refill()

    _, held = door.recent.since(0)
    texts = sum(len(each.body) + len(outcome.block) + len(header) for each, outcome in held)
    assert MAX_BYTES // 2 < texts <= MAX_BYTES


def test_of_a_flood_only_a_part_is_held(tmp_path: Path) -> None:
    door = RecordedDoor(tmp_path)

    for _ in range(1000):
        door.post("/v1/track", track(properties={"a": "x" * 4000}))
    _, held = door.recent.since(0)
    door.recent.refill()
    door.post("/v1/track", track(messageId="later"))

    assert 100 < len(held) < 500
    assert len(door.recent.since(0)[1]) == len(held) + 1


def test_what_was_seen_does_not_come_again() -> None:
    recent = Recent()

    assert recent.since(0) == (0, [])
