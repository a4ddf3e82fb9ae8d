"""A stop: it turns load balancers away first if asked to, and takes a bounded time whatever is stuck."""

import socket
from collections.abc import Callable
from contextlib import ExitStack

from gateway.processes import delivery, intake, stopping
from tests.build import to_json, track
from tests.gateway import DEFAULTS, PATIENCE, Gateway, until
from tests.processes.test_delivery_processes import CONSOLE, RELOADED, configured, fill
from tests.processes.test_reload import reload

HALF = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nX-Write-Key: dev\r\nContent-Length: 1000\r\n\r\n{"
DRAINED = DEFAULTS.replace("[server]", '[server]\ndrain = "1h"')


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


def test_the_steps_of_a_stop_fit_into_its_time() -> None:
    steps = intake.GRACE + delivery.LAST_WORK + 2 * stopping._MARGIN_SECONDS

    assert steps < stopping.STOP_SECONDS <= 8


def test_a_gateway_with_a_stuck_sink_and_half_sent_bodies_stops(gateway: Callable[..., Gateway]) -> None:
    running = gateway(configured(2, "a"))
    reload(running, configured(2, "a", more=CONSOLE), RELOADED)
    long = fill(running)

    with ExitStack() as clients:
        for _ in range(20):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", running.port), PATIENCE))
            client.sendall(HALF)
        code = running.stop()

    assert code == 0
    assert len(running.events("data/a.jsonl")) == long


def test_before_a_stop_it_is_unready_and_accepts_events_for_as_long_as_is_asked(
    gateway: Callable[..., Gateway],
) -> None:
    running = gateway(DRAINED)
    before = running.request("GET", "/readyz").status

    running.process.terminate()
    until(lambda: running.request("GET", "/readyz").status == 503)

    answer = running.request("GET", "/readyz")
    assert before == 200
    assert answer.json == {"status": "the gateway is about to stop"}
    assert running.post("/v1/track", track()).status == 200
    assert running.stop() == 0  # a second signal ends it at once


def test_a_request_in_flight_is_answered_and_the_connection_closed(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    body = to_json(track())
    head = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nX-Write-Key: dev\r\nContent-Length: %d\r\n\r\n" % len(body)

    with socket.create_connection(("127.0.0.1", running.port), PATIENCE) as client:
        client.sendall(head + body[:10])
        running.post("/v1/track", track())  # so that the first part has arrived
        running.process.terminate()
        until(lambda: refuses(running.port))
        client.sendall(body[10:])
        answer = b"".join(iter(lambda: client.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close\r\n" in answer
    assert running.process.wait(PATIENCE) == 0
    assert len(running.events()) == 2
