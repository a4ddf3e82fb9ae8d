"""A TCP proxy in threads that cuts a connection when the client says a certain thing."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Literal

Moment = Literal["before", "after"]


class Proxy:
    """Forwards connections to a port of this machine."""

    def __init__(self, target: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._target = target
        self.port: int = self._listener.getsockname()[1]
        self.cut: tuple[bytes, Moment] | None = None
        """
        The words at which the next connection is cut that says them: before they reach the server, or after
        the server has got them, so that only the answer is lost.
        """
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self._target)) as server:
            answers = Thread(target=_pipe, args=(server, client))
            answers.start()
            with suppress(OSError):
                while (said := client.recv(1 << 20)) and not self._is_cut(said, server, client):
                    server.sendall(said)
            with suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            answers.join()

    def _is_cut(self, said: bytes, server: socket.socket, client: socket.socket) -> bool:
        if self.cut is None or self.cut[0] not in said:
            return False
        (_, moment), self.cut = self.cut, None
        client.shutdown(socket.SHUT_RDWR)
        if moment == "after":
            server.sendall(said)
        return True


def _pipe(source: socket.socket, target: socket.socket) -> None:
    """Forward until the source ends; go on reading when the target does not listen any more."""
    with suppress(OSError):
        while said := source.recv(1 << 20):
            with suppress(OSError):
                target.sendall(said)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """Yield a proxy, which accepts no more connections after the block."""
    opened = Proxy(target)
    try:
        yield opened
    finally:
        opened.close()
