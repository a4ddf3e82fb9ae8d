"""
What reads from a connection: into a buffer that all connections of an event loop share.

Otherwise the transport would make an object of up to 256 KB of whatever it reads, and copy that into it.
"""

import threading
from asyncio import BufferedProtocol
from typing import Protocol

_HEAD_BYTES = 64 * 1024
"""To read at once where a head may come; so little of a body that is refused is copied in vain."""
_BODY_BYTES = 256 * 1024


class _Buffers(threading.local):
    """Those of a thread. Another loop, in another thread, may read while this one has yet to look."""

    def __init__(self) -> None:
        self.body = memoryview(bytearray(_BODY_BYTES))
        self.head = self.body[:_HEAD_BYTES]


_buffers = _Buffers()


class Connection(Protocol):
    """What a receiver tells of a connection."""

    @property
    def receiving(self) -> object:
        """Anything but None while the rest of a body is to come."""

    def data_received(self, data: memoryview, /) -> None: ...
    def eof_received(self) -> None: ...
    def connection_lost(self, exc: Exception | None, /) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


class Receiver(BufferedProtocol):
    """Passes on to a connection what its transport says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._body, self._head = _buffers.body, _buffers.head

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._body if self._connection.receiving else self._head

    def buffer_updated(self, nbytes: int) -> None:
        self._connection.data_received(self._body[:nbytes])

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.connection_lost(exc)

    def eof_received(self) -> None:
        self._connection.eof_received()

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()
