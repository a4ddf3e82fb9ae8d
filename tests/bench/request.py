"""Requests as the generators send them: each with a number of its own, so that no event is a duplicate."""

import time
from pathlib import Path

_GZIP = b"\x1f\x8b"


def write(file: Path, path: str, body: bytes) -> None:
    """Write a whole request, with MARK wherever its number belongs. The body may be compressed by gzip."""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    if body.startswith(_GZIP):
        head += "Content-Encoding: gzip\r\n"
    file.write_bytes(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def first_number() -> int:
    """Microseconds since 1970: a number that no request has had so far, as no load is as fast."""
    return time.time_ns() // 1000
