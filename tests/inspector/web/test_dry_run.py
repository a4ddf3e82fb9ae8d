"""What the pages say of a destination that does everything but send."""

from pathlib import Path

import pytest

from gateway.delivery.recorder import DeliveryRecorder
from tests.build import event_line, keep
from tests.delivery.work import deliver, make, open_state
from tests.inspector.visitor import BROWSER, configured, visitor

pytestmark = pytest.mark.anyio

SECRET = "a-secret-of-the-vendor"
MAPPING = """
[settings]
token = {secret = true}
[send]
url = "https://api.acme.example/v1/events"
headers = {Authorization = {join = [{const = "Bearer "}, {setting = "token"}]}}
items = "batch"
limits = {items = 1}
[common]
"messageId!" = "messageId"
[[rules]]
on = {}
"""
CONFIG = f"""
[sources.website]
write_keys = ["website-key"]
[inspector]
mask = ["token"]
[sinks.acme]
kind = "destination"
mapping = "acme.toml"
settings = {{token = "{SECRET}"}}
dry_run = true
"""


async def rehearsed(folder: Path) -> dict[str, str]:
    """Deliver two events in a dry run, and return what the pages say by their paths."""
    (folder / "acme.toml").write_text(MAPPING)
    journal = folder / "data/journal"
    keep(journal / "0", [event_line(0), event_line(1)])
    state = open_state(journal)
    recorder = DeliveryRecorder(journal / "diagnostics")
    sink = configured(folder, CONFIG).sinks["acme"]
    await deliver(make(sink, journal, state, "acme", observer=recorder.observer("acme")))
    recorder.close()
    state.close()
    client = visitor(folder, text=CONFIG)
    paths = ("/", "/sinks", "/sinks/acme", "/sinks/acme/exchanges/2", "/events/0/1", "/ledger")
    return {path: client.get(path, headers=BROWSER).text for path in paths}


async def test_wherever_the_sink_is_shown_it_says_that_nothing_is_sent(tmp_path: Path) -> None:
    pages = await rehearsed(tmp_path)

    for page in pages.values():
        assert "dry run" in page.lower()
        assert "sent" in page.lower()
    assert "Nothing is sent" in pages["/sinks/acme"]
    assert "dry run, not sent" in pages["/ledger"]


async def test_an_event_shows_the_requests_it_would_have_been_in_and_no_other(tmp_path: Path) -> None:
    page = (await rehearsed(tmp_path))["/events/0/1"]

    [_, rehearsal] = page.split("What acme would have been sent")
    assert "not sent" in page.split('id="fates"', 1)[1]
    assert "Dry run, not sent." in rehearsal
    assert "POST https://api.acme.example" in rehearsal
    assert "m1" in rehearsal
    assert "m0" not in rehearsal


async def test_no_request_shows_a_secret(tmp_path: Path) -> None:
    pages = await rehearsed(tmp_path)

    assert "***" in pages["/sinks/acme/exchanges/2"]
    assert not any(SECRET in page for page in pages.values())


async def test_an_event_whose_request_is_no_longer_kept_still_says_that_it_was_not_sent(
    tmp_path: Path,
) -> None:
    await rehearsed(tmp_path)
    (tmp_path / "data/journal/diagnostics/exchanges.db").unlink()

    page = visitor(tmp_path, text=CONFIG).get("/events/0/1", headers=BROWSER).text

    assert "dry run, not sent" in page
