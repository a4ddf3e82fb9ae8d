"""
The Grafana dashboard, as code: `python deploy/grafana/dashboard.py > deploy/grafana/gateway.json`.

A panel is its title, its unit, and its queries with their legends; all else of the JSON is the same for each.
"""

import json
import sys
from typing import Any, NamedTuple

_DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH, _HEIGHT = 8, 8  # of a panel; a row of Grafana's grid is 24 wide


class Panel(NamedTuple):
    title: str
    unit: str
    """As Grafana names it: "short", "s", "bytes", "eps" (events a second)."""
    queries: dict[str, str]
    """By their legend."""
    description: str = ""


def quantiles(metric: str, by: str = "") -> dict[str, str]:
    """The median and the 99th percentile of a histogram."""
    labels = ", ".join(filter(None, ("le", by)))
    legend = f" {{{{{by}}}}}" if by else ""
    return {
        f"p{percent}{legend}": f"histogram_quantile({percent / 100}, "
        f"sum by ({labels}) (rate({metric}_bucket{{{_WHERE}}}[$__rate_interval])))"
        for percent in (50, 99)
    }


def rate(metric: str, by: str = "", where: str = "") -> str:
    labels = f"{_WHERE}, {where}" if where else _WHERE
    return f"sum by ({by}) (rate({metric}{{{labels}}}[$__rate_interval]))"


_WHERE = 'instance=~"$instance"'
_BACK_PRESSURE = 'code=~"journal_unavailable|overloaded|rate_limited"'

ROWS = {
    "Intake": (
        Panel(
            "Events arriving",
            "eps",
            {
                "received": rate("gateway_events_received_total"),
                "accepted": rate("gateway_events_accepted_total"),
            },
            "Received is accepted + refused + in flight.",
        ),
        Panel("In flight", "short", {"{{instance}}": f"gateway_events_in_flight{{{_WHERE}}}"}),
        Panel("Refused, by code", "eps", {"{{code}}": rate("gateway_events_refused_total", "code")}),
        Panel(
            "Answered 429 or 503, by code",
            "eps",
            {"{{code}}": rate("gateway_events_refused_total", "code", _BACK_PRESSURE)},
            "Clients send these events again.",
        ),
        Panel("Answers: time", "s", quantiles("gateway_http_request_seconds", "dialect")),
        Panel(
            "Answers, by dialect and status",
            "reqps",
            {"{{dialect}} {{status}}": rate("gateway_http_request_seconds_count", "dialect, status")},
        ),
        Panel(
            "Connections",
            "short",
            {
                "open": f"sum(gateway_connections{{{_WHERE}}})",
                "refused in an hour": f"sum(increase(gateway_connections_refused_total{{{_WHERE}}}[1h]))",
            },
        ),
        Panel(
            "Repaired, by code",
            "eps",
            {
                "{{code}}": rate("gateway_events_repaired_total", "code"),
                "deletions": rate("gateway_deletions_total"),
            },
            "Warnings of events that were stored all the same.",
        ),
    ),
    "Journal": (
        Panel("Commits: time", "s", quantiles("gateway_journal_commit_seconds")),
        Panel("Synced writes: time", "s", quantiles("gateway_journal_fsync_seconds")),
        Panel("Events of a commit", "short", quantiles("gateway_journal_commit_events")),
        Panel("Size", "bytes", {"{{instance}}": f"gateway_journal_bytes{{{_WHERE}}}"}),
        Panel("Events appended", "eps", {"{{instance}}": rate("gateway_journal_events_total", "instance")}),
        Panel(
            "Failures and incidents in an hour",
            "short",
            {
                "failed commits": f"sum(increase(gateway_journal_commit_failures_total{{{_WHERE}}}[1h]))",
                "{{kind}}": f"sum by (kind) (increase(gateway_journal_incidents_total{{{_WHERE}}}[1h]))",
            },
        ),
    ),
    "Sinks": (
        Panel("Accepting (1) or retried (0)", "short", {"{{sink}}": f"gateway_sink_up{{{_WHERE}}}"}),
        Panel("State", "short", {"{{sink}} {{state}}": f"gateway_sink_state{{{_WHERE}}}"}),
        Panel("Behind", "s", {"{{sink}}": f"gateway_sink_lag_seconds{{{_WHERE}}}"}),
        Panel("Pending", "short", {"{{sink}}": f"gateway_sink_pending_events{{{_WHERE}}}"}),
        Panel(
            "Outcomes",
            "eps",
            {"{{sink}} {{outcome}} {{reason}}": rate("gateway_sink_events_total", "sink, outcome, reason")},
        ),
        Panel("Dead letters", "bytes", {"{{sink}}": f"gateway_sink_dead_letters_bytes{{{_WHERE}}}"}),
        Panel("Retries", "ops", {"{{sink}}": rate("gateway_sink_retries_total", "sink")}),
    ),
    "Processes": (
        Panel("Cores used", "short", {"{{process}}": rate("gateway_process_cpu_seconds_total", "process")}),
        Panel("Memory", "bytes", {"{{process}}": f"gateway_process_resident_memory_bytes{{{_WHERE}}}"}),
        Panel("Descriptors", "short", {"{{process}}": f"gateway_process_open_fds{{{_WHERE}}}"}),
        Panel("Uptime", "s", {"{{process}}": f"time() - gateway_process_start_time_seconds{{{_WHERE}}}"}),
        Panel("Build", "short", {"{{version}}, Python {{python}}": f"gateway_build_info{{{_WHERE}}}"}),
        Panel(
            "Scrapes with journal and state",
            "short",
            {"{{instance}}": f"gateway_scrape_complete{{{_WHERE}}}"},
        ),
    ),
}


def dashboard() -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS.items():
        panels.append(
            _placed({"type": "row", "title": title, "collapsed": False, "panels": []}, 0, top, 24, 1)
        )
        top += 1
        for number, panel in enumerate(row):
            left, down = number % 3 * _WIDTH, number // 3 * _HEIGHT
            panels.append(_placed(_time_series(panel), left, top + down, _WIDTH, _HEIGHT))
        top += -(-len(row) // 3) * _HEIGHT
    return {
        "uid": "event-gateway",
        "title": "Event gateway",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "tags": [],
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
                {
                    "name": "instance",
                    "label": "Instance",
                    "type": "query",
                    "datasource": _DATA_SOURCE,
                    "query": {"query": "label_values(gateway_journal_bytes, instance)", "refId": "instance"},
                    "refresh": 2,
                    "multi": True,
                    "includeAll": True,
                    "allValue": ".*",
                    "current": {"text": "All", "value": "$__all"},
                },
            ]
        },
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, 1)],
    }


def _placed(panel: dict[str, Any], left: int, top: int, width: int, height: int) -> dict[str, Any]:
    return {**panel, "gridPos": {"x": left, "y": top, "w": width, "h": height}}


def _time_series(panel: Panel) -> dict[str, Any]:
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATA_SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _DATA_SOURCE,
                "expr": query,
                "legendFormat": legend,
            }
            for number, (legend, query) in enumerate(panel.queries.items())
        ],
    }


if __name__ == "__main__":
    json.dump(dashboard(), sys.stdout, indent=2)
    sys.stdout.write("\n")
