"""A scrape has what can be had, and ends in time."""

import threading
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from structlog.testing import capture_logs

from gateway.inspector.scrape import Scrape

pytestmark = pytest.mark.anyio

MISSING = "metrics of journal and state missing"
BACK = "journal and state readable again"


class Disk(Collector):
    """Metrics that come from a disk, which may fail, or answer only once it is `freed`."""

    def __init__(self) -> None:
        self.error: OSError | None = None
        self.freed = threading.Event()
        self.freed.set()
        self.readings = 0

    def collect(self) -> Iterator[Metric]:
        self.readings += 1
        self.freed.wait(30)
        if self.error:
            raise self.error
        yield GaugeMetricFamily("recorded", "", value=1)

    def describe(self) -> list[Metric]:
        return []  # or it would be collected when it is registered


class Memory(Collector):
    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("live", "", value=1)


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.freed.set()


def scrape(disk: Disk, patience: float = 30.0) -> Scrape:
    live = CollectorRegistry()
    live.register(Memory())
    return Scrape(live, disk, patience)


def found(text: bytes) -> dict[str, float]:
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.split() for line in lines)}


async def test_it_has_all_metrics(disk: Disk) -> None:
    text = await scrape(disk).text()

    assert found(text) == {"live": 1, "recorded": 1, "gateway_scrape_complete": 1}


async def test_a_broken_disk_costs_only_the_metrics_that_are_on_it(disk: Disk) -> None:
    disk.error = OSError(5, "Input/output error")

    text = await scrape(disk).text()

    assert found(text) == {"live": 1, "gateway_scrape_complete": 0}


async def test_a_disk_that_does_not_answer_delays_it_no_longer_than_allowed(disk: Disk) -> None:
    disk.freed.clear()

    text = await scrape(disk, patience=0.01).text()

    assert found(text) == {"live": 1, "gateway_scrape_complete": 0}


async def test_scrapes_of_a_disk_that_does_not_answer_use_up_one_thread(disk: Disk) -> None:
    disk.freed.clear()
    stuck = scrape(disk, patience=0.01)

    for _ in range(20):
        await stuck.text()

    assert disk.readings == 1


async def test_the_log_says_once_that_it_fails_and_once_that_it_works_again(disk: Disk) -> None:
    each = scrape(disk)

    with capture_logs() as lines:
        for error in (None, OSError(5, "a"), OSError(5, "a"), OSError(5, "b"), None, None):
            disk.error = error
            await each.text()

    assert [(line["event"], line.get("error", "")) for line in lines] == [
        (MISSING, "[Errno 5] a"),
        (MISSING, "[Errno 5] b"),
        (BACK, ""),
    ]
