"""The process of the inspector holds little of what strangers send it."""

import socket
from collections.abc import Callable

from tests.gateway import Gateway


def test_a_head_without_end_is_refused_before_it_is_held(gateway: Callable[..., Gateway]) -> None:
    running = gateway()

    with socket.create_connection(("127.0.0.1", running.inspector_port)) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"x" * 70_000)
        answer = stranger.makefile("rb").readline()

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert running.metrics()


def test_more_connections_than_operators_have_are_turned_away(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    held = [socket.create_connection(("127.0.0.1", running.inspector_port)) for _ in range(256)]

    with socket.create_connection(("127.0.0.1", running.inspector_port)) as one_more:
        answer = one_more.makefile("rb").readline()
    for each in held:
        each.close()

    assert answer.startswith(b"HTTP/1.1 503 ")
