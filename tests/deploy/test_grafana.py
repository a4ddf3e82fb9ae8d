"""The dashboard shows what the gateway measures. Grafana itself comes in no package, and is not run."""

import json
import re

from deploy.grafana.dashboard import dashboard
from tests.deploy.documents import DASHBOARD, QUERIES, named, series

SHOWN = json.loads(DASHBOARD.read_text())


def test_the_file_is_what_the_code_makes() -> None:
    assert DASHBOARD.read_text() == json.dumps(dashboard(), indent=2) + "\n", (
        "python deploy/grafana/dashboard.py > deploy/grafana/gateway.json"
    )


def test_every_query_is_about_metrics_that_exist() -> None:
    assert [query for query in QUERIES if not named(query)] == []
    assert {name for query in QUERIES for name in named(query)} - series() == set()


def test_every_metric_is_shown() -> None:
    shown = {_family(name) for query in QUERIES for name in named(query)}

    assert {_family(name) for name in series() if name.startswith("gateway_")} - shown == set()


def _family(name: str) -> str:
    return re.sub("_(bucket|count|sum|total)$", "", name)


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    cells = [
        (x, y)
        for panel in SHOWN["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len({panel["id"] for panel in SHOWN["panels"]}) == len(SHOWN["panels"])
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
