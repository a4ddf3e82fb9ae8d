"""What does not go well: each client reads it in its own form, with the headers of every answer."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway.inspector.ledger import Ledger
from gateway.inspector.pages import inspector
from gateway.inspector.queries.inspection import Inspection
from tests.build import open_log
from tests.cli.deliveries import Stopped
from tests.gateway import DEFAULTS
from tests.inspector.visitor import BROWSER, LOCAL, visitor

HUGE = "9" * 5000


def test_a_person_gets_a_page_and_a_program_a_line(tmp_path: Path) -> None:
    client = visitor(tmp_path)

    page = client.get("/nothing", headers=BROWSER)
    line = client.get("/nothing")

    assert (page.status_code, "<h1>Nothing here</h1>" in page.text) == (404, True)
    assert (line.status_code, line.text) == (404, "There is nothing at this address.\n")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/events/0/9", 404),
        ("/events/x/y", 400),
        ("/events?limit=many", 400),
        ("/events?since=never", 400),
        ("/events?cursor=%00", 400),
        ("/refused/nothing", 404),
        ("/sinks/nothing", 404),
        ("/sinks/archive/exchanges/9", 404),
        ("/sinks/archive/exchanges/x", 400),
        pytest.param(f"/sinks/archive/exchanges/{HUGE}", 400, id="exchange of a huge number"),
        pytest.param(f"/dead/{HUGE}", 400, id="dead letter of a huge number"),
        ("/sources/nothing", 404),
        ("/static/0/style.css", 404),
        ("/static/0/..%2Fpages.py", 404),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, path: str, status: int) -> None:
    assert visitor(tmp_path).get(path, headers=BROWSER).status_code == status


def test_a_journal_that_cannot_be_read_is_said_and_tried_again(tmp_path: Path) -> None:
    client = visitor(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/journal").write_text("no folder")

    answer = client.get("/events", headers=BROWSER)

    assert (answer.status_code, answer.headers["refresh"]) == (503, "5")
    assert "This page tries again every 5 s." in answer.text


@pytest.mark.parametrize("path", ["/dead/retry", "/sinks/events/pause"])
def test_an_order_that_cannot_be_carried_out_is_not_fetched_again(tmp_path: Path, path: str) -> None:
    (Stopped(tmp_path).home.folder / "state.db").write_text("no database")

    answer = visitor(tmp_path, text=DEFAULTS).post(path, data={"id": "1"}, headers=BROWSER)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "refresh" not in answer.headers
    assert "tries again" not in answer.text
    assert "Go back, and try again." in answer.text


def test_a_mistake_of_ours_is_a_page_that_says_no_more(tmp_path: Path) -> None:
    def config() -> object:
        raise RuntimeError("a secret")

    journal = open_log(tmp_path)
    inspection = Inspection(None, journal, config, None)  # type: ignore[arg-type]  # what fails at once
    app = inspector(Ledger(journal, tmp_path / "state.db", ()), "", inspection)
    client = TestClient(app, base_url=LOCAL, raise_server_exceptions=False)

    answer = client.get("/events", headers=BROWSER)

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
