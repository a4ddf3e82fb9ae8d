"""A gate before Kafka that loses messages which it has acknowledged, as a broker that loses its disk does."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.sinks.gate import Gate

# A request begins with its size (4 bytes), API key (2; 0: Produce), version (2) and correlation id (4), an
# answer with its size (4) and the correlation id (4): the protocol guide of Kafka.
_SIZE = 4
_KEY = slice(4, 6)
_PRODUCE = b"\0\0"
_ID_OF_REQUEST = slice(8, 12)
_ID_OF_ANSWER = slice(4, 8)


class KafkaGate(Gate):
    def __init__(self, target: int) -> None:
        super().__init__(target)
        self._is_lossy = False
        self._first: tuple[socket.socket, bytes] | None = None
        """The connection and the correlation id of the first Produce request."""
        self._answer_to_first = b""
        self._said: dict[socket.socket, bytes] = {}
        self._answered: dict[socket.socket, bytes] = {}

    @contextmanager
    def losing_the_second(self) -> Iterator[None]:
        """Acknowledge the second Produce request within the block as the first, and do not pass it on."""
        self._is_lossy, self._first, self._answer_to_first = True, None, b""
        try:
            yield
        finally:
            self._is_lossy = False

    def _pass(self, said: bytes, client: socket.socket) -> bytes:
        return b"".join(
            request for request in _whole(self._said, client, said) if not self._lose(request, client)
        )

    def _lose(self, request: bytes, client: socket.socket) -> bool:
        """Return True if a request is not passed on, because it is answered."""
        if not self._is_lossy or request[_KEY] != _PRODUCE:
            return False
        if self._first is None:
            self._first = client, request[_ID_OF_REQUEST]
            return False
        self._is_lossy = False
        answer = bytearray(self._answer_to_first)
        answer[_ID_OF_ANSWER] = request[_ID_OF_REQUEST]
        client.sendall(answer)
        return True

    def _observe(self, said: bytes, client: socket.socket) -> None:
        for answer in _whole(self._answered, client, said):
            if self._first == (client, answer[_ID_OF_ANSWER]):
                self._answer_to_first = answer


def _whole(kept: dict[socket.socket, bytes], client: socket.socket, said: bytes) -> list[bytes]:
    """Return the messages that are complete now, with their sizes before them; keep the begun one."""
    said, found = kept.get(client, b"") + said, []
    while len(said) >= _SIZE and len(said) >= (end := _SIZE + int.from_bytes(said[:_SIZE])):
        found.append(said[:end])
        said = said[end:]
    kept[client] = said
    return found
