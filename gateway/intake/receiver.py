"""
What reads from a connection: into a buffer that all connections of the process share.

Otherwise the transport would make an object of up to 256 KB of whatever it reads, and copy that into it.
"""

from asyncio import BufferedProtocol
from typing import Protocol

_HEAD_BYTES = 64 * 1024
"""To read at once where a head may come; so little of a body that is refused is copied in vain."""
_BODY_BYTES = 256 * 1024

_buffer = memoryview(bytearray(_BODY_BYTES))
_start = _buffer[:_HEAD_BYTES]


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

    def get_buffer(self, sizehint: int) -> memoryview:
        return _buffer if self._connection.receiving else _start

    def buffer_updated(self, nbytes: int) -> None:
        self._connection.data_received(_buffer[:nbytes])

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.connection_lost(exc)

    def eof_received(self) -> None:
        self._connection.eof_received()

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()
