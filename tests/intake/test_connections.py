"""The bound on connections: when one is refused, and what is said of it."""

import structlog
from prometheus_client import REGISTRY

from gateway.intake.connections import Limit


def sample(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0


def test_as_many_connections_are_admitted_as_the_limit_says() -> None:
    limit = Limit(2)
    before = sample("gateway_connections_refused_total")

    admitted = [limit.admits(number) for number in (1, 2, 3, 3, 2)]

    assert admitted == [True, True, False, False, True]
    assert sample("gateway_connections_refused_total") - before == 2


def test_refusals_are_one_line_when_they_begin_and_one_when_they_have_ended() -> None:
    limit = Limit(10)

    with structlog.testing.capture_logs() as lines:
        for _ in range(5):
            limit.admits(11)
            limit.watch(10)
        for open_connections in (9, 8, 7):
            limit.watch(open_connections)
        limit.admits(11)

    assert [line["event"] for line in lines] == [
        "too many connections, refusing new ones",
        "accepting connections again",
        "too many connections, refusing new ones",
    ]
    assert lines[1]["refused"] == 5


def test_the_number_of_connections_is_shown() -> None:
    Limit().watch(7)

    assert sample("gateway_connections") == 7
