"""A TCP proxy in threads, for faults at certain words of a client."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread


class Gate:
    """Forwards connections to a port of this machine."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._clients: set[socket.socket] = set()
        self._words = b""
        self._act: Callable[[], object] = self.cut
        self._is_cut = self._is_mute = False
        self._free = threading.Event()
        self._free.set()
        Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def at(self, words: bytes, act: Callable[[], object]) -> Iterator[None]:
        """Call `act` once within the block: when a client has said the words, before they are passed on."""
        self._words, self._act = words, act
        try:
            yield
        finally:
            self._words, self._is_cut = b"", False
            self._free.set()

    def cut(self) -> None:
        """Cut all connections on the client's side, and new ones until the end of the block."""
        self._is_cut = True
        with self._lock:
            for client in self._clients:
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)

    def hold(self) -> None:
        """Pass nothing on, in either direction, before `release` or the end of the block."""
        self._free.clear()

    def release(self) -> None:
        """Pass on what was held, as a network does that is whole again."""
        self._free.set()

    def mute(self) -> None:
        """Pass on what clients say, and cut the connection that is answered first, before the answer."""
        self._is_mute = True

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _pass(self, said: bytes, client: socket.socket) -> bytes:
        """Return what the server hears of what a client has said."""
        return said

    def _observe(self, said: bytes, client: socket.socket) -> None:
        """See what the server answers to a client."""

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with self._lock:
            if self._is_cut:
                client.close()
                return
            self._clients.add(client)
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self._target)) as server:
            Thread(target=self._answer, args=(server, client), daemon=True).start()
            while said := client.recv(1 << 20):
                if self._words and self._words in said:
                    self._words = b""
                    self._act()
                self._free.wait()
                server.sendall(self._pass(said, client))
            server.shutdown(socket.SHUT_WR)
        with self._lock:
            self._clients.discard(client)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while (said := server.recv(1 << 20)) and not self._is_mute:
                self._observe(said, client)
                self._free.wait()
                client.sendall(said)
            self._is_mute = False
            client.shutdown(socket.SHUT_RDWR)
