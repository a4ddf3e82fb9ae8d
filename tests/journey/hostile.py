"""Helpers to send malicious requests byte by byte, and to check that the gateway is not affected."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.build import to_json, track
from tests.gateway import PATIENCE, Gateway

GOOD = to_json(track())


@contextmanager
def unaffected(running: Gateway) -> Iterator[None]:
    """Check that after the block the same process accepts valid events and has logged no bug."""
    worker = running.children()["intake-0"]

    yield

    assert running.post("/v1/track", track()).status == 200
    assert running.children()["intake-0"] == worker
    assert '"bug"' not in running.logged()
    assert "Traceback" not in running.logged()


def talk(running: Gateway, sent: bytes, *, hang_up: bool = False) -> list[int]:
    """Send bytes, and return the statuses of all answers until one side hangs up."""
    answer = b""
    with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) as connection:
        # A server may close the connection before it has read everything.
        with suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(sent)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while part := connection.recv(65536):
                answer += part
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def request(
    body: bytes = GOOD, *, head: bytes = b"Content-Length: %d\r\n", path: bytes = b"/v1/track"
) -> bytes:
    """Return a request as bytes; `head` holds the headers under test."""
    if b"%d" in head:
        head %= len(body)
    return b"POST %b HTTP/1.1\r\nHost: x\r\nX-Write-Key: dev\r\n%b\r\n%b" % (path, head, body)


def peak(running: Gateway) -> int:
    """Return the peak memory of the intake process, in KB."""
    status = Path(f"/proc/{running.children()['intake-0']}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1])


def names(running: Gateway) -> list[str]:
    """Return the names of all delivered events."""
    return [event["event"] for event in running.drained()]
