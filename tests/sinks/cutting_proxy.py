"""A TCP proxy in a thread that cuts a connection when the client says a certain thing."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Literal

Moment = Literal["before", "after"]


@contextmanager
def cutting_proxy(port: int, words: bytes, moment: Moment) -> Iterator[int]:
    """
    Forward one connection to a port of this machine, and return the port to connect to.

    Once the client sends `words`, the connection is cut: before they reach the server, or after the server
    has answered them, so that only the answer is lost.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=_forward, args=(listener, port, words, moment))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join()


def _forward(listener: socket.socket, port: int, words: bytes, moment: Moment) -> None:
    client, _ = listener.accept()
    listener.close()  # whoever tries again is refused at once
    with suppress(OSError), client, socket.create_connection(("127.0.0.1", port)) as server:
        answers = Thread(target=_pipe, args=(server, client))
        answers.start()
        while (said := client.recv(1 << 20)) and words not in said:
            server.sendall(said)
        if said and moment == "after":
            client.shutdown(socket.SHUT_WR)  # what the server answers now does not get through
            server.sendall(said)
        server.shutdown(socket.SHUT_WR)
        answers.join()


def _pipe(source: socket.socket, target: socket.socket) -> None:
    """Forward until the source ends; go on reading when the target does not listen any more."""
    with suppress(OSError):
        while said := source.recv(1 << 20):
            with suppress(OSError):
                target.sendall(said)
