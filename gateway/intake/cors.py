"""Which pages of other sites may read an answer: all, unless the source says otherwise."""

from collections.abc import Mapping

Headers = list[tuple[bytes, bytes]]

VARY = (b"vary", b"Origin")
_EXPOSED = b"Retry-After, X-RateLimit-Reset, X-Durability"
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_SECONDS = b"86400"


def allow(origin: bytes | None) -> Headers:
    """What an answer tells the browser. Without an Origin there is no browser to tell."""
    if not origin:
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", _EXPOSED),
        VARY,
    ]


def preflight(headers: Mapping[bytes, bytes]) -> Headers:
    """
    Allow whatever is about to be sent.

    The headers are echoed, since "*" does not cover Authorization, and since a list that fits the first
    attempt would block the second: retries add X-Retry-Count (analytics-next 1.84) or Rsa-* (RudderStack).
    """
    asked = headers.get(b"access-control-request-headers")
    return [
        *allow(headers.get(b"origin")),
        (b"access-control-allow-methods", _METHODS),
        *([(b"access-control-allow-headers", asked)] if asked else []),
        (b"access-control-max-age", _SECONDS),
    ]
