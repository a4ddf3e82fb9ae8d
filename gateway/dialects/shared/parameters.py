"""
Events in the parameters of an image's address or of a form, which templates and mail programs often mangle.

They contain HTML's `&amp;` for `&` (postal#1040), addresses that are encoded twice or quoted,
quoted-printable's `=3D` for `=`, and Latin-1 where UTF-8 is expected.
"""

import base64
import binascii
import html
import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote_to_bytes

from gateway import remembered
from gateway.dialects.shared.slow_path import is_write_key
from gateway.errors import UnreadableBody

_MAX_PARAMETERS = 1000
_MAX_DECODINGS = 2
"""How many more times a value is percent-decoded, at most."""

_AMPERSAND = re.compile(r"(?:amp;|#0*38;|#x0*26;)+", re.IGNORECASE)
_FORM = re.compile(rb"\s*[\w.%\[\]+-]+=(?!=*\s*\Z)")
"""A name and a value. Base64 has its "=" at the end."""
_STANDARD_BASE64 = str.maketrans(" -_", "++/", "\r\n\t")
_BOM = b"\xef\xbb\xbf"


# The query is searched for both the key and the event; and a page sends everything to one address.
@remembered.of_short(16 * 1024, 32)
def read(query: bytes) -> Mapping[str, str]:
    """Return the parameters of a query or a form; the last of repeated ones. Raises UnreadableBody."""
    try:
        pairs = parse_qsl(
            query.decode("utf-8", "surrogateescape"),
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=_MAX_PARAMETERS,
        )
    except ValueError as error:
        raise UnreadableBody(f"more than {_MAX_PARAMETERS} parameters") from error
    found = {_to_name(name): _to_text(value) for name, value in pairs}
    if len(found) > 1 and all(value.startswith("3D") for value in found.values() if value):
        found = {name: value.removeprefix("3D") for name, value in found.items()}
    return MappingProxyType(found)


def read_form(body: bytes) -> Mapping[str, str] | None:
    """Return the parameters of a body that is a form; None for any other. Raises UnreadableBody."""
    return read(body.strip()) if _FORM.match(body) else None


def find_write_key(found: Mapping[str, str]) -> str | None:
    """Return the key among parameters, whatever the spelling of its name; `writeKey` wins."""
    if key := found.get("writeKey"):
        return key
    return next((value for name, value in found.items() if value and is_write_key(name)), None)


def decode_data(data: str) -> bytes:
    """
    Return the JSON in a parameter `data`: plain, or as base64 in either alphabet, padded or not.

    An unencoded "+" has become a space on the way. Raises UnreadableBody for anything else.
    """
    text = _unquote(data)
    for _ in range(_MAX_DECODINGS):
        if "%" not in text or text.startswith(("{", "[")):
            break
        text = _unquote(_decode(unquote_to_bytes(text)))
    if text.startswith(("{", "[")):
        return (text if '"' in text else _unescape(text)).encode()
    text = text.translate(_STANDARD_BASE64).rstrip("=.")
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableBody(f"`data` is not base64: {error}") from error
    return _decode(found.removeprefix(_BOM)).encode()


def _unescape(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError as error:  # thousands of digits, which Python refuses to read as a number
        raise UnreadableBody("`data` has a character reference that is too long") from error


def _unquote(text: str) -> str:
    return text.strip().removeprefix("3D").strip("\"'").removeprefix("3D")


def _to_name(name: str) -> str:
    mangled = _AMPERSAND.match(name)
    return _to_text(name[mangled.end() :] if mangled else name)


def _to_text(value: str) -> str:
    return value if value.isascii() else _decode(value.encode("utf-8", "surrogateescape"))


def _decode(text: bytes) -> str:
    """Decode UTF-8, or else Windows-1252, as browsers read Latin-1."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")
