"""The inspector asks the intake whether it can store events."""

import os
import signal
from collections.abc import Callable

import pytest

from gateway.config.tables import Server
from gateway.inspector.readiness import unready
from tests.gateway import Gateway, free_ports, halt
from tests.inspector.stranger import answering

CONFIG = """
[server]
port = {}
[inspector]
port = {}
[sources.website]
write_keys = ["dev"]
[sinks.nothing]
kind = "null"
"""


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(200, b'{"status":"ready"}', "", id="ready"),
        pytest.param(503, b'{"status":"the journal is full"}', "the journal is full", id="full"),
        pytest.param(404, b"<html>", "it does not answer", id="another server"),
    ],
)
def test_the_reason_is_that_of_the_intake(status: int, body: bytes, expected: str) -> None:
    with answering(status, body) as port:
        assert unready(Server(port=port)) == expected


def test_an_intake_that_is_not_there_does_not_answer() -> None:
    port, _ = free_ports()

    assert unready(Server(port=port)) == "it does not answer"


def test_a_port_that_is_not_configured_is_not_asked() -> None:
    assert unready(Server(port=0)) == ""


def test_an_intake_that_hangs_makes_the_gateway_degraded(gateway: Callable[..., Gateway]) -> None:
    running = gateway(CONFIG.format(*free_ports()))
    intake = running.children()["intake-0"]

    well = running.request("GET", "/api/health", port=running.inspector_port).json
    halt(intake)
    hanging = running.request("GET", "/api/health", port=running.inspector_port).json
    os.kill(intake, signal.SIGCONT)

    assert well == {"status": "ok", "problems": []}
    assert [each["subject"] for each in hanging["problems"]] == ["intake"]
