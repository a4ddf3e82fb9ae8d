"""What deploy/README.md and the code say, for comparison with the files of deploy/."""

import json
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml  # type: ignore[import-untyped]  # its types are a package of their own
from prometheus_client import REGISTRY, Metric

from gateway import metrics
from gateway.inspector.ledger import Ledger
from gateway.inspector.processes import Processes
from gateway.inspector.scrape import COMPLETE
from gateway.journal.segments.log import SegmentLog
from tests.deploy.programs import DEPLOY

README = (DEPLOY / "README.md").read_text()
DASHBOARD = DEPLOY / "grafana/gateway.json"
QUERIES = [
    target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
    for panel in json.loads(DASHBOARD.read_text())["panels"]
    for target in panel.get("targets", ())
]
"""The dashboard's, as Grafana sends them to Prometheus."""


def load(file: Path) -> Any:
    """Read a file with one YAML document."""
    return yaml.safe_load(file.read_text())


def stop_seconds() -> int:
    """Return how long a service manager should wait for the gateway to stop."""
    found = re.search(r"should allow (\d+) s", README)
    assert found
    return int(found[1])


@cache
def series() -> frozenset[str]:
    """Return the names of all series that /metrics may have."""
    assert metrics.RECEIVED  # importing the module has registered its metrics
    with TemporaryDirectory() as folder:
        ledger = Ledger(SegmentLog(Path(folder)), Path(folder) / "state.db", ())
        collected = *REGISTRY.collect(), *ledger.collect(), *Processes().collect()
        return frozenset((COMPLETE, *(name for each in collected for name in _series(each))))


def _series(metric: Metric) -> tuple[str, ...]:
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
    return tuple(metric.name + suffix for suffix in suffixes.get(metric.type, ("",)))


def named(expression: str) -> set[str]:
    """Return the series of the gateway that a query in PromQL names."""
    return set(re.findall(r"\bgateway_\w+", expression))
