"""
The head that the requests of a connection share: most clients send the same one with every request.

Parsing takes a tenth of the time of a single event, and more with each header. A head that has been parsed
before, identical to the byte except for the length of the body, need not be parsed again.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

MAX_REQUEST_BYTES = 16 * 1024
"""For longer requests, the parser's share of the time is small."""

_MAX_DIGITS = len(str(MAX_REQUEST_BYTES))
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_MAX_HEAD_BYTES = 4 * 1024  # each connection keeps one


class KnownHead(NamedTuple):
    """A head as it was sent, and as it was parsed."""

    before: bytes
    """The bytes before the value of Content-Length."""
    behind: bytes
    """The bytes after it, including the end of the head."""
    path: bytes
    query: bytes
    headers: Mapping[bytes, bytes]

    def split(self, sent: bytes) -> tuple[bytes, bytes] | None:
        """Return the length and the body of a complete request with this head; None for anything else."""
        start = len(self.before)
        end = sent.find(b"\r", start, start + _MAX_DIGITS + 1)
        if end < 0 or not sent.startswith(self.before) or not sent.startswith(self.behind, end):
            return None
        length, body = sent[start:end], sent[end + len(self.behind) :]
        return (length, body) if length.isdigit() and int(length) == len(body) else None


def learn(sent: bytes, url: bytes, headers: Mapping[bytes, bytes]) -> KnownHead | None:
    """Return the head of a parsed request; None unless the request is complete and nothing follows it."""
    end = sent.find(b"\r\n\r\n", 0, _MAX_HEAD_BYTES)
    found = _LENGTH.search(sent, 0, end + 2) if end > 0 else None
    if found is None:
        return None
    path, _, query = url.partition(b"?")
    known = KnownHead(sent[: found.start(1)], sent[found.end(1) : end + 4], path, query, headers)
    return known if known.split(sent) else None
