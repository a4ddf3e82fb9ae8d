"""Submissions: HTTP requests that carry events, already read and decompressed."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from gateway.errors import UnreadableBody

BODY_METHODS = ("POST", "PUT", "PATCH")
"""Methods of submissions whose events are in the body; with other methods, they are in the address."""


class Submission(msgspec.Struct, gc=False):
    """One request as a dialect sees it. Header names are in lower case, values as sent."""

    method: str
    route: str
    """The path as spelled in the route table: "/v1/track" also for "//v1/track/" and "/track"."""
    headers: Mapping[bytes, bytes]
    query: bytes
    body: bytes
    client_ip: str
    received_at: int
    """Milliseconds since 1970."""
    received_text: str
    """The same time in our format."""

    @property
    def size(self) -> int:
        """Return the size in bytes of what may hold events: the body, or path and query if there is none."""
        return len(self.body) if self.method in BODY_METHODS else len(self.route) + 1 + len(self.query)

    @property
    def parameters(self) -> dict[str, str]:
        """Return the query's parameters, the last of repeated ones. Raises UnreadableBody, like `pairs`."""
        return dict(self.pairs)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Return the query's parameters, including repeated ones."""
        return pairs(self.query)

    def header(self, name: bytes) -> str:
        """Return a header's value, or an empty text."""
        return self.headers.get(name, b"").decode("latin-1")


def pairs(query: bytes) -> list[tuple[str, str]]:
    """Return the parameters of a query, in their order. Raises UnreadableBody for more than 1,000."""
    try:
        return parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000)
    except ValueError as error:
        raise UnreadableBody("too many query parameters") from error
