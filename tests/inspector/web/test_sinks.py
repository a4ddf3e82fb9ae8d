"""The page of a sink."""

import re
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.diagnostics.shapes import EXCHANGES
from gateway.diagnostics.store import Store
from gateway.errors import SinkHeld, SinkMisconfigured, SinkUnavailable
from gateway.raw import timestamps
from tests.build import event_line, keep
from tests.cli.deliveries import Stopped
from tests.delivery.work import open_state
from tests.gateway import DEFAULTS
from tests.inspector.visitor import BROWSER, CONFIG, visitor


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SinkUnavailable("host: 502"), "The target cannot take events now, and is tried again: host: 502"),
        (SinkMisconfigured("no such table"), "The target takes nothing until this is fixed: no such table"),
        (SinkHeld("too many refused"), "The sink waits for you: too many refused"),
        (KeyError("name"), "An unexpected error, KeyError:"),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else "",
)
def test_a_failure_is_said_in_words(tmp_path: Path, error: Exception, words: str) -> None:
    keep(tmp_path / "data/journal/0")
    with closing(open_state(tmp_path / "data/journal")) as state:
        state.statuses.failed("archive", "retrying", error)

    page = visitor(tmp_path).get("/sinks/archive", headers=BROWSER).text

    assert words in " ".join(page.split())
    assert "<code>Sink" not in page


@pytest.mark.parametrize("path", ["/sinks/archive?span=1h", "/sinks/archive?span=30d", "/sinks/archive"])
def test_the_chart_reaches_to_the_present(tmp_path: Path, path: str) -> None:
    keep(tmp_path / "data/journal/0")
    open_state(tmp_path / "data/journal").close()
    before = datetime.now(UTC).replace(second=0, microsecond=0)

    page = visitor(tmp_path).get(path, headers=BROWSER).text

    *_, end = re.findall(r'<time datetime="([^"]*)"', page.split("<figcaption>")[1].split("</figcaption>")[0])
    assert datetime.fromisoformat(end) >= before


ODD = CONFIG.replace("sinks.archive", 'sinks."what? a#b"')


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        pytest.param("test", {}, id="test"),
        pytest.param("skip", {}, id="count"),
        pytest.param("skip", {"to": "never"}, id="mistake"),
    ],
)
def test_an_answer_to_a_form_leads_to_the_page_of_its_sink(
    tmp_path: Path, verb: str, fields: dict[str, str]
) -> None:
    Stopped(tmp_path)
    client = visitor(tmp_path, text=ODD, headers=BROWSER)

    answered = client.post(f"/sinks/what%3F%20a%23b/{verb}", data=fields).text
    [fresh] = re.findall('<body data-address="([^"]*)"', answered)
    spans = re.findall(r'href="([^"]*\?span=[^"]*)"', answered)

    assert len(spans) == 4
    assert {client.get(address).status_code for address in (fresh, *spans)} == {200}


def test_a_page_is_kept_new_with_the_time_that_it_shows(tmp_path: Path) -> None:
    keep(tmp_path / "data/journal/0")
    open_state(tmp_path / "data/journal").close()

    page = visitor(tmp_path).get("/sinks/archive?span=7d&done=pause", headers=BROWSER).text

    assert '<body data-address="/sinks/archive?span=7d">' in page


@pytest.mark.parametrize("verb", ["pause", "resume", "skip"])
def test_an_order_leads_back_to_its_sink_whatever_the_name(tmp_path: Path, verb: str) -> None:
    Stopped(tmp_path)
    client = visitor(tmp_path, text=ODD, headers=BROWSER)

    ordered = client.post(f"/sinks/what%3F%20a%23b/{verb}", data={"sure": "1"})
    page = client.get(ordered.headers["location"])

    assert (ordered.status_code, page.status_code) == (303, 200)
    assert 'role="status"' in page.text


@pytest.mark.parametrize(
    ("since", "said"),
    [
        pytest.param("1h", "The replay has begun.", id="passed"),
        pytest.param("0s", "There is nothing to replay", id="later"),
    ],
)
def test_the_page_tells_whether_a_replay_has_begun(tmp_path: Path, since: str, said: str) -> None:
    Stopped(tmp_path)
    client = visitor(tmp_path, text=DEFAULTS, headers=BROWSER)

    ordered = client.post("/sinks/events/replay", data={"since": since})
    page = client.get(ordered.headers["location"]).text

    assert said in page
    assert ("replay-rows" in page) == (since == "1h")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        pytest.param(10, "The event is being sent again.", id="passed"),
        pytest.param(11, "Nothing was sent: the sink has not passed this event yet.", id="pending"),
    ],
)
def test_the_page_of_an_event_tells_whether_it_is_sent_again(tmp_path: Path, number: int, said: str) -> None:
    now = timestamps.write(time.time_ns() // 1_000_000)
    stopped = Stopped(tmp_path)
    for place in (10, 11):
        keep(stopped.home.partition(0), [event_line(place, receivedAt=now)])
        stopped.deliver(*[SinkUnavailable("not now")] * (place == 11))
    client = visitor(tmp_path, text=DEFAULTS, headers=BROWSER)

    ordered = client.post(f"/events/0/{number}/replay", data={"sink": "events"})
    page = client.get(ordered.headers["location"]).text

    assert said in page


def test_the_page_counts_the_requests_that_were_not_kept(tmp_path: Path) -> None:
    keep(tmp_path / "data/journal/0")
    open_state(tmp_path / "data/journal").close()
    with closing(Store(tmp_path / "data/journal/diagnostics", EXCHANGES)) as store:
        store.write(lambda database: database.execute("INSERT INTO unkept VALUES ('archive', 1200)"), 0)
    config = (
        CONFIG.replace('"json_lines"', '"http"')
        .replace("path =", "url =")
        .replace("archive.json", "https://a.b/")
    )

    page = visitor(tmp_path, text=config).get("/sinks/archive", headers=BROWSER).text

    assert "1,200 more requests came too fast to be kept." in page
