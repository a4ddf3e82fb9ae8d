"""A disk that breaks under the gateway: it says so once, and tells the metrics that it still has."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.build import track
from tests.gateway import Gateway
from tests.journey.books import Listener
from tests.journey.faults import Disk
from tests.journey.test_power import CONFIG

REQUESTS = 300


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with Disk(tmp_path) as disk:
        yield disk


def test_a_broken_disk_is_logged_once_and_costs_no_metric_that_is_not_on_it(
    disk: Disk, gateway: Callable[..., Gateway]
) -> None:
    running = gateway(CONFIG.format(0, 0))
    log = Listener(running)
    running.post("/v1/track", track())

    disk.cut()
    statuses = Counter(running.post("/v1/track", track()).status for _ in range(REQUESTS))
    samples = running.metrics()
    running.kill()

    assert statuses == {503: REQUESTS}
    assert samples['gateway_events_refused_total{code="journal_unavailable"}'] == REQUESTS
    assert samples["gateway_events_received_total"] == REQUESTS + 1
    assert samples["gateway_scrape_complete"] == 0
    lines = [(line["event"], line.get("reason")) for line in log.lines]
    assert lines.count(("journal unavailable", "Input/output error")) == 1
    assert len(lines) < 20
