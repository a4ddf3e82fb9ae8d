"""More connections than a process has descriptors for cost nobody but those who open them."""

import socket
from collections.abc import Callable
from contextlib import ExitStack

from tests.build import track
from tests.gateway import PATIENCE, Gateway, until

FILES = 200  # the limit of open files; more than half of them are for connections
FEW_FILES = ("sh", "-c", f'ulimit -n {FILES}; exec "$0" "$@"')


def counted(running: Gateway) -> float:
    """The connections that were admitted or refused."""
    shown = running.metrics()
    return shown["gateway_connections"] + shown["gateway_connections_refused_total"]


def test_connections_over_the_limit_are_refused_until_others_end(gateway: Callable[..., Gateway]) -> None:
    running = gateway(prefix=FEW_FILES)

    with ExitStack() as open_connections:
        idle = [
            open_connections.enter_context(socket.create_connection(("127.0.0.1", running.port), PATIENCE))
            for _ in range(FILES)
        ]
        refusal = idle[-1].recv(1000)
        until(lambda: counted(running) == FILES)
        shown = running.metrics()["gateway_connections"]
    until(lambda: "accepting connections again" in running.logged())

    assert refusal.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in refusal
    assert FILES // 2 <= shown < FILES
    assert running.logged().count("too many connections") == 1
    assert running.post("/v1/track", track()).status == 200
