"""
Hide values by key in any text that is shown or kept for diagnosis: JSON, JSON lines, forms and queries.

The text need not be well-formed: bodies that were refused, or cut in the middle of a value, work as well.
"""

import base64
import binascii
import re
from collections.abc import Collection, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote_to_bytes

import msgspec

MASK = "***"

KEYS = frozenset(
    {"writekey", "write_key", "write-key", "token", "tc_skey", "access_token", "api_key", "apikey"}
    | {"password", "secret", "client_secret", "authorization"}
    | {"assertion", "upload_id"}
)
"""Keys whose values are never kept."""

_HIDDEN_HEADERS = re.compile(r"auth|cookie|key|secret|token|signature|password|hmac")
_ADDRESS_HEADERS = re.compile(r"(forwarded(-for)?|-ip)$")
_KEPT_BITS = {4: 24, 6: 48}
_KEPT_BITS_6TO4 = 16 + 24  # of an IPv6 address that contains an IPv4 address

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_COLON = re.compile(rb"\s*+:\s*+")
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{\[]|[}\]]', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,}\]]*+")
_PARAMETER = re.compile(rb"""(?<![\w.~%+\-\[\]])([\w.~%+\-\[\]]++)=([^&#"'\\<>\s]*+)""")
_STEP = re.compile(r"[\[\].]")
_ADDRESS = re.compile(rb'("ip"\s*+:\s*+)"([\da-fA-F:.]{2,45})"')
_MAX_NESTED = 4  # levels of JSON within JSON strings

_decode = msgspec.json.Decoder(str).decode


def names(given: Collection[str]) -> frozenset[str]:
    """Return names in the form that `hide` compares, which ignores case."""
    return frozenset(name.casefold() for name in given)


def hide(text: bytes, hidden: Collection[str], level: int = 0) -> bytes:
    """
    Return a text with *** for the value, of any kind, of each key in `hidden` (see `names`).

    Keys are members of objects at any depth, even within strings that hold JSON or a query, and parameters
    of forms and queries, including those with brackets (`user[email]`) and those whose values are JSON in
    base64.
    """
    if not hidden:
        return text
    return _hide_parameters(_hide_members(text, hidden, level), hidden, level)


def hide_text(text: str, hidden: Collection[str]) -> str:
    """Do the same as `hide` for a str."""
    return hide(text.encode("utf-8", "surrogatepass"), hidden).decode("utf-8", "replace") if hidden else text


def show(text: bytes, hidden: Collection[str]) -> bytes:
    """Return events, or what they became, for people: hidden as by `hide`, and with addresses cut."""
    return _ADDRESS.sub(_cut, hide(text, hidden)) if b'"ip"' in text else hide(text, hidden)


def show_text(text: str, hidden: Collection[str]) -> str:
    """Do the same as `show` for a str."""
    return show(text.encode("utf-8", "surrogatepass"), hidden).decode("utf-8", "replace")


def headers(pairs: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return headers without secrets, and with addresses cut."""
    shown = {}
    for name, value in pairs.items():
        key, text = name.decode("latin-1").lower(), value.decode("utf-8", "replace")
        if _HIDDEN_HEADERS.search(key):
            text = MASK
        elif _ADDRESS_HEADERS.search(key):
            text = ", ".join(map(cut_address, text.split(",")))
        else:
            text = hide_text(text, KEYS)
        shown[key] = text
    return shown


def cut_address(text: str) -> str:
    """Return an IP address without its last part; *** for anything else."""
    text = text.strip()
    if not text:
        return ""
    try:
        address = ip_address(text)
    except ValueError:
        return MASK
    return truncate(address)


def truncate(address: IPv4Address | IPv6Address) -> str:
    """Return the address of an address's network, which many people share."""
    kept = _KEPT_BITS_6TO4 if getattr(address, "sixtofour", None) else _KEPT_BITS[address.version]
    return str(ip_network((address, kept), strict=False).network_address)


def _cut(found: re.Match[bytes]) -> bytes:
    return b'%b"%b"' % (found[1], cut_address(found[2].decode()).encode())


def _hide_members(text: bytes, hidden: Collection[str], level: int) -> bytes:
    pieces: list[bytes] = []
    copied = place = 0
    while found := _STRING.search(text, place):
        string, place = found[0], found.end()
        colon = _COLON.match(text, place)
        if colon is None:
            shown = _hide_nested(string, hidden, level)
            if shown is not string:
                pieces += [text[copied : found.start()], shown]
                copied = place
        elif _name(string) in hidden:
            place = _end_of_value(text, colon.end())
            pieces += [text[copied : colon.end()], b'"***"']
            copied = place
    return b"".join([*pieces, text[copied:]]) if pieces else text


def _hide_nested(string: bytes, hidden: Collection[str], level: int) -> bytes:
    """Return a JSON string as it is to be shown; it may itself contain JSON as text."""
    if b'\\"' not in string and b"\\u" not in string:
        return string
    try:
        inner = _decode(string).encode("utf-8", "surrogatepass")
    except (msgspec.DecodeError, UnicodeError):  # cut off
        inner = string[1:].replace(b'\\"', b'"')
    if b'"' not in inner:
        return string
    if level == _MAX_NESTED:
        return b'"***"'
    shown = hide(inner, hidden, level + 1)
    return string if shown == inner else msgspec.json.encode(shown.decode("utf-8", "replace"))


def _name(string: bytes) -> str:
    try:
        return _decode(string).casefold() if b"\\" in string else string[1:-1].decode().casefold()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _end_of_value(text: bytes, start: int) -> int:
    """Return where a value ends; it may be cut off."""
    first = text[start : start + 1]
    if first == b'"':
        found = _STRING.match(text, start)
        return found.end() if found else len(text)
    if first not in (b"{", b"["):
        found = _SCALAR.match(text, start)
        return found.end() if found else len(text)
    depth = 0
    for found in _BRACKETS.finditer(text, start):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return len(text)


def _hide_parameters(text: bytes, hidden: Collection[str], level: int) -> bytes:
    def show(found: re.Match[bytes]) -> bytes:
        name = unquote_to_bytes(found[1]).decode("utf-8", "replace").strip().removesuffix("]")
        if _STEP.split(name)[-1].casefold() in hidden:
            return found[1] + b"=***"
        for inner in _values(found[2]):
            shown = hide(inner, hidden, level + 1) if level < _MAX_NESTED else b"***"
            if shown != inner:
                # It may be inside a JSON string.
                return found[1] + b"=" + shown.replace(b'"', b"%22").replace(b"\\", b"%5C")
        return found[0]

    return _PARAMETER.sub(show, text) if b"=" in text else text


def _values(value: bytes) -> Iterator[bytes]:
    """Yield the JSON in a parameter's value, if any: plain, or in base64."""
    plain = unquote_to_bytes(value)
    if plain.lstrip()[:1] in (b"{", b"["):
        yield plain
    elif len(plain) >= 8:
        try:
            decoded = base64.b64decode(plain.replace(b"-", b"+").replace(b"_", b"/") + b"===")
        except binascii.Error:
            return
        if decoded.lstrip()[:1] in (b"{", b"["):
            yield decoded
