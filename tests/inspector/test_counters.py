"""The counters of the intake: read from a gateway, and from nothing else that may answer."""

import pytest

from gateway.inspector.counters import intake_counts
from tests.gateway import free_ports
from tests.inspector.stranger import answering

METRICS = b"""
# TYPE gateway_events_received counter
gateway_events_received_total 7.0
# TYPE gateway_events_accepted counter
gateway_events_accepted_total 4.0
# TYPE gateway_events_refused counter
gateway_events_refused_total{code="missing_event"} 3.0
"""


def test_they_are_those_of_a_gateway() -> None:
    with answering(200, METRICS) as port:
        found = intake_counts("127.0.0.1", port, "")

    assert found == {"received": 7, "accepted": 4, "refused": {"missing_event": 3}}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<!doctype html><p>Hello {world}</p>", id="a page"),
        pytest.param(b"{}", id="JSON"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"go_goroutines 12\n", id="metrics of another program"),
        pytest.param(METRICS.replace(b"7.0", b"NaN"), id="no number"),
        pytest.param(METRICS.replace(b"7.0", b"+Inf"), id="infinite"),
        pytest.param(METRICS.replace(b"code", b"reason"), id="other labels"),
    ],
)
def test_another_server_has_none(body: bytes) -> None:
    with answering(200, body) as port:
        assert intake_counts("127.0.0.1", port, "") is None


def test_without_a_server_there_are_none() -> None:
    port, _ = free_ports()

    assert intake_counts("127.0.0.1", port, "") is None
