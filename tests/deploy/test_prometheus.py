"""The alerts and the scrape configuration, with promtool, and with a Prometheus that scrapes a gateway."""

import http.client
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.deploy.documents import QUERIES, README, load, named, series
from tests.deploy.programs import DEPLOY, adapted, check, running
from tests.gateway import DEFAULTS, PATIENCE, Gateway, free_ports, until
from tests.journey import needs

FOLDER = DEPLOY / "prometheus"
TOKEN = "inspector-token"
RULES = {rule["alert"]: rule for group in load(FOLDER / "alerts.yaml")["groups"] for rule in group["rules"]}
CASES = [case for group in load(FOLDER / "alerts_test.yaml")["tests"] for case in group["alert_rule_test"]]


def test_the_alerts_pass_their_own_tests() -> None:
    promtool = needs.program("promtool")

    check(promtool, "check", "rules", "alerts.yaml", cwd=FOLDER)
    check(promtool, "test", "rules", "alerts_test.yaml", cwd=FOLDER)


@pytest.mark.parametrize("alert", RULES)
def test_every_alert_is_tested_both_ways(alert: str) -> None:
    outcomes = [bool(case["exp_alerts"]) for case in CASES if case["alertname"] == alert]

    assert set(outcomes) == {True, False}


@pytest.mark.parametrize("alert", RULES)
def test_every_alert_is_about_metrics_that_exist(alert: str) -> None:
    expression = RULES[alert]["expr"]

    assert named(expression) - series() == set()
    assert named(expression) or "up{" in expression


def test_every_alert_has_its_section_of_the_readme_and_every_section_its_alert() -> None:
    assert sorted(re.findall(r"^### (Gateway\w+)$", README, re.MULTILINE)) == sorted(RULES)


def test_a_real_prometheus_scrapes_the_gateway_with_its_token(tmp_path: Path) -> None:
    program = needs.program("prometheus")
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "alerts.yaml").write_text((FOLDER / "alerts.yaml").read_text())
    config = DEFAULTS.replace("[inspector]", f'[inspector]\ntoken = "{TOKEN}"')
    port, _ = free_ports()
    with Gateway(tmp_path, config) as gateway:
        gateway.post("/v1/track", {"userId": "u1", "event": "Hello"})
        changes = {
            "/run/secrets/inspector_token": "token",
            "gateway:8081": f"127.0.0.1:{gateway.inspector_port}",
            "scrape_interval: 15s": "scrape_interval: 200ms",
            "evaluation_interval: 15s": "evaluation_interval: 200ms",
        }
        (tmp_path / "prometheus.yaml").write_text(adapted(FOLDER / "prometheus.yaml", changes))
        options = ("--config.file=prometheus.yaml", f"--web.listen-address=127.0.0.1:{port}")
        with running(tmp_path, port, program, *options, "--storage.tsdb.path=tsdb"):
            until(lambda: query(port, 'up{job="gateway"} == 1'))
            until(lambda: {rule["health"] for rule in rules(port)} == {"ok"})
            found = {each: query(port, each) for each in QUERIES}

    assert [each for each, result in found.items() if result is None] == []
    assert [each for each, result in found.items() if result and "gateway_journal_bytes" in each]


def query(port: int, expression: str) -> Any:
    """Return the result of a query, or None if Prometheus refuses it."""
    return ask(port, f"query?query={quote(expression)}").get("result")


def rules(port: int) -> list[dict[str, Any]]:
    return [rule for group in ask(port, "rules").get("groups", ()) for rule in group["rules"]]


def ask(port: int, path: str) -> Any:
    """Ask Prometheus; return "data" of its answer, or {} if it refuses or is not ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", f"/api/v1/{path}")
        answer = connection.getresponse()
        return json.load(answer)["data"] if answer.status == 200 else {}
    finally:
        connection.close()
