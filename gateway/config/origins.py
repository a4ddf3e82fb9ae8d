"""
The pages that may send to a source, by origin: `scheme://host`, with the port if it is not the scheme's.

Browsers send the host in lower case and in ASCII, and no path: https://html.spec.whatwg.org/#origin
"""

import re
from collections.abc import Collection
from ipaddress import IPv6Address

EVERYBODY = "*"
_BELOW = "://*."

_ORIGIN = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:\*\.)?(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[1-9]\d{0,4})?", re.ASCII
)
_PARTS = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?"
    r"(?P<below>\*\.)?(?P<host>[^\s/?#\\@:\[\]*]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?(?:[/?#\\]\S*)?",
    re.IGNORECASE,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOCAL = re.compile(r"localhost|127\..*|\[::1\]", re.IGNORECASE)
_WITHOUT_HOST = ("null", "file://")
"""Origins that browsers send for sandboxed frames, and for files."""

_HOSTS_BELOW = re.compile(r"[\w.-]+", re.ASCII)


def check(allowed: Collection[str]) -> None:
    """Raise ValueError for an origin that no browser sends; its text says which spelling would work."""
    if EVERYBODY in allowed and len(allowed) > 1:
        raise ValueError('"*" is everybody; leave the others out, or "*"')
    for origin in allowed:
        if origin != EVERYBODY and origin not in _WITHOUT_HOST:
            _check_one(origin)


def allows(allowed: Collection[str], origin: str) -> bool:
    """Return True if pages of an origin may send. `https://*.example.com` stands for the hosts below it."""
    return EVERYBODY in allowed or origin in allowed or any(_is_below(origin, each) for each in allowed)


def _is_below(origin: str, allowed: str) -> bool:
    scheme, found, rest = allowed.partition(_BELOW)
    start, end = f"{scheme}://", f".{rest}"
    return bool(
        found
        and origin.startswith(start)
        and origin.endswith(end)
        and _HOSTS_BELOW.fullmatch(origin[len(start) : -len(end)])
    )


def _check_one(origin: str) -> None:
    works = _as_sent(origin)
    if works == origin:
        return
    hint = f'; write "{works}"' if works else ', as "https://shop.example" or "https://*.shop.example"'
    raise ValueError(f'"{origin}" is not an origin that a browser sends{hint}')


def _as_sent(origin: str) -> str | None:
    """Return an origin as a browser would send it; None if that cannot be determined."""
    found = _PARTS.fullmatch(origin.strip())
    if not found:
        return None
    host, port = found["host"], int(found["port"] or 0)
    scheme = (found["scheme"] or ("http" if _LOCAL.fullmatch(host) else "https")).lower()
    try:
        host = f"[{IPv6Address(host[1:-1])}]" if host[0] == "[" else host.encode("idna").decode().lower()
    except ValueError:
        return None
    if port > 65535:
        return None
    end = f":{port}" if port and port != _DEFAULT_PORTS.get(scheme) else ""
    works = f"{scheme}://{found['below'] or ''}{host}{end}"
    return works if _ORIGIN.fullmatch(works) else None
