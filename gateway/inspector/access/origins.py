"""
Tell the operator's own requests from those that another site makes a browser send.

https://www.w3.org/TR/fetch-metadata/ and RFC 6454.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


def is_loopback(host: str) -> bool:
    """
    Return whether a Host header names this machine by a name or address that no DNS server can redirect.

    A page whose own name resolves to 127.0.0.1 (DNS rebinding) still sends that name.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if host and "@" not in host and (name == "localhost" or name.endswith(".localhost")):
            return True  # RFC 6761 6.3: browsers resolve these themselves
        return "@" not in host and ip_address(name).is_loopback
    except ValueError:
        return False


def is_from_browser(headers: Mapping[str, str]) -> bool:
    """Return whether a request was sent by a page of some site, not by a program."""
    return "origin" in headers or "sec-fetch-site" in headers


def is_foreign(method: str, headers: Mapping[str, str]) -> bool:
    """
    Return whether another site has made the browser send a request.

    A link on another site may lead here; that alone is not foreign.
    """
    if "origin" in headers and not _is_own(headers["origin"], headers.get("host", "")):
        return True
    if headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none"):
        return False
    is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return method not in SAFE_METHODS or not is_link


def _is_own(origin: str, host: str) -> bool:
    # A proxy that ends TLS is not seen from here, so both schemes count as the same.
    return host != "" and origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")
