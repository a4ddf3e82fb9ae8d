"""What the intake answers besides events."""

import pytest

from gateway.errors import JournalUnavailable
from tests.build import Door, track
from tests.fakes import MemoryJournal

FULL = JournalUnavailable("the journal is full")


def test_the_process_is_alive_whatever_the_journal_does() -> None:
    answer = Door(journal=MemoryJournal(FULL)).request("GET", "/healthz")

    assert (answer.status, answer.json) == (200, {"status": "ok"})


def test_it_is_ready_when_the_journal_takes_a_probe() -> None:
    answer = Door().request("GET", "/readyz")

    assert (answer.status, answer.json) == (200, {"status": "ready"})


def test_it_says_why_it_is_not_ready() -> None:
    answer = Door(journal=MemoryJournal(FULL)).request("GET", "/readyz")

    assert (answer.status, answer.json) == (503, {"status": "the journal is full"})


@pytest.mark.parametrize("path", ["/v1/m", "/m"])
def test_what_clients_report_of_themselves_is_answered_and_dropped(path: str) -> None:
    door = Door()

    answer = door.request("POST", path, b'{"series":[]}')

    assert (answer.status, answer.json, door.events) == (200, {"success": True}, [])


@pytest.mark.parametrize(("path", "status"), [("/v1/track", 405), ("/nothing", 404)])
def test_what_is_no_page_is_told_in_keys_that_all_clients_read(path: str, status: int) -> None:
    answer = Door().request("GET", path)

    assert answer.status == status
    assert answer.json.keys() == {"Error", "Message", "Details", "code", "message"}


@pytest.mark.parametrize("hosts", [0, 2], ids=["none", "two"])
@pytest.mark.parametrize("path", ["/v1/track", "/healthz"])
def test_a_request_has_one_host(path: str, hosts: int) -> None:
    door = Door()
    scope = {
        "method": "POST",
        "path": path,
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(b"host", b"gateway")] * hosts + [(b"x-write-key", b"dev")],
        "client": ("192.0.2.1", 50000),
    }

    answer = door.call(scope, [b'{"userId":"u","event":"E"}'])

    assert answer
    assert (answer.status, answer.headers["connection"], door.events) == (400, "close", [])


def test_a_header_that_comes_twice_is_no_second_host() -> None:
    door = Door()

    answer = door.post("/v1/track", track(), Accept="a", accept="b")

    assert answer.status == 200
