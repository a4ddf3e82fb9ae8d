"""
A transport that sends the head of an answer together with the body that follows it.

uvicorn writes one after the other, and uvloop sends each at once: two system calls and two packets.
"""

from asyncio import Transport
from typing import Any


class CoalescingTransport:
    """Passes everything on to a transport."""

    def __init__(self, transport: Transport) -> None:
        self.direct = transport
        """The transport itself, for answers that are complete."""
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head:
            self.direct.write(self._head + data)
            self._head = b""
        elif data.endswith(b"\r\n\r\n") and not data.startswith(b"HTTP/1.1 100"):
            self._head = data
        else:
            self.direct.write(data)

    def flush(self) -> None:
        """Send a head that has no body."""
        if self._head:
            self.direct.write(self._head)
            self._head = b""

    def close(self) -> None:
        self.flush()
        self.direct.close()

    def is_closing(self) -> bool:
        return self.direct.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.direct, name)
