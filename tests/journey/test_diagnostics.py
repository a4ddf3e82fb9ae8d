"""What a running gateway keeps for its inspector, in all of its processes."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.config import file
from gateway.home import Home
from gateway.inspector.queries.deliveries import deliveries
from gateway.inspector.queries.exchanges import exchanges
from gateway.inspector.queries.filters import Filter
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.queries.raw import RawRequest, raw
from gateway.inspector.queries.refused import counts, refused
from gateway.inspector.queries.sources import sources
from gateway.inspector.search.index import Index
from gateway.journal.segments.log import SegmentLog
from tests.build import track
from tests.gateway import DEFAULTS, Gateway, until
from tests.sinks import chaos
from tests.sinks.chaos import Target


def look_at(gateway: Gateway) -> Inspection:
    """Open what the gateway's inspector has open."""
    config = file.load(gateway.file, None, {})
    home = Home(config.journal.path)
    return Inspection(home, SegmentLog(home.folder), lambda: config, Index(home.folder / "search"))


class Running(NamedTuple):
    """A gateway with two workers, one of whose sinks fails at first."""

    gateway: Gateway
    inspection: Inspection


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Target(chaos.script(chaos.answer(502, b"not now"))) as target:
        hook = f'[sinks.hook]\nkind = "http"\nurl = "{target.url}"\nallow_private = true\n'
        config = DEFAULTS.replace("[inspector]", "workers = 2\n[inspector]") + hook
        with Gateway(tmp_path_factory.mktemp("running"), config) as gateway:
            yield Running(gateway, look_at(gateway))


def test_the_request_of_an_event_comes_from_the_memory_of_its_worker(running: Running) -> None:
    gateway, inspection = running
    for number in range(10):  # each on a connection of its own, so that both workers get some
        gateway.post("/v1/track", track(messageId=f"m{number}"))
    gateway.delivered(10)
    lines = (gateway.folder / "data/events.jsonl").read_bytes().splitlines()
    before = (inspection.home.diagnostics / "raw.db").exists()

    found = [raw(inspection, line) for line in lines]

    assert not before
    assert all(isinstance(each, RawRequest) for each in found)


def test_deliveries_exchanges_and_sources_are_kept(running: Running) -> None:
    gateway, inspection = running

    gateway.post("/v1/batch", {"batch": [track(event="Viewed")]})

    def names(sink: str) -> set[str]:
        return {each.event for one in deliveries(inspection, sink, "1h") for each in one.outcomes}

    until(lambda: names("hook") == names("events") == {"Ordered", "Viewed"})
    until(lambda: sum(each.delivered for each in deliveries(inspection, "hook", "1h")) == 11)
    until(lambda: exchanges(inspection, "hook", Filter(code="502")).items)
    until(lambda: [row.events for row in sources(inspection)] == [11])


def test_every_refusal_of_every_worker_is_kept(running: Running) -> None:
    gateway, inspection = running

    for number in range(40):
        gateway.post("/v1/track", {"userId": f"u{number}"})

    until(lambda: len(refused(inspection, Filter(limit=100, code="missing_event")).items) == 40)


def test_a_flood_of_refusals_is_counted_whole_and_kept_in_part(running: Running) -> None:
    gateway, inspection = running

    for _ in range(10):
        gateway.post("/v1/batch", {"batch": [{"type": "sale", "x": "y" * 50}] * 2000})

    def events() -> int:
        return sum(each.events for each in counts(inspection, "1h") if each.code == "unknown_type")

    until(lambda: events() == 20_000)
    assert gateway.metrics()['gateway_events_refused_total{code="unknown_type"}'] == 20_000
    assert 200 <= len(refused(inspection, Filter(limit=500, code="unknown_type")).items) < 450
    assert sum(path.stat().st_size for path in inspection.home.diagnostics.glob("refused*")) < 2_000_000


def test_a_gateway_whose_diagnostics_are_deleted_goes_on(running: Running) -> None:
    gateway, inspection = running
    gone = inspection.home.diagnostics.with_name("gone")
    inspection.home.diagnostics.rename(gone)  # at once, since the gateway creates what is missing
    shutil.rmtree(gone)

    accepted = gateway.post("/v1/track", track())
    refusing = gateway.post("/v1/track", b"{")

    assert (accepted.status, refusing.status) == (200, 400)
    until(lambda: refused(inspection, Filter(code="unreadable_body")).items)
    until(lambda: deliveries(inspection, "events", "1h"))


def test_what_was_refused_just_before_a_stop_is_kept(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        inspection = look_at(gateway)
        gateway.post("/v1/track", b"{")
        code = gateway.stop()

    assert code == 0
    assert [row.code for row in refused(inspection, Filter()).items] == ["unreadable_body"]
