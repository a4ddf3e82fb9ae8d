"""Find the write key of a submission, choose between several, and keep it out of events."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

from gateway import remembered
from gateway.dialects.shared import parameters
from gateway.dialects.shared.messages import SlowMessages
from gateway.errors import Refusal, UnknownWriteKey
from gateway.message import DecodedSubmission
from gateway.sources import Sources
from gateway.submission import Submission

Place = Literal["event", "batch", "header", "basic", "query", "login"]
"""
`header` is X-Write-Key. `basic` is the user in Authorization: Basic, with or without the colon and padding;
`login` is the same with a password: a site's own login, which browsers send with every request of its pages.
"""

PLACES: tuple[Place, ...] = ("event", "batch", "header", "basic", "query", "login")
"""For the Segment spec and images: the first place with a key counts. Other dialects have their own."""


@lru_cache
def finder(places: tuple[Place, ...]) -> Callable[[Submission], str | None]:
    """Return a function that finds the first key outside the body. It raises UnreadableBody."""
    looks = [_OUTSIDE[place] for place in places if place in _OUTSIDE]

    def find(submission: Submission) -> str | None:
        for look in looks:
            if key := look(submission):
                return key
        return None

    return find


def drop_outranked(places: tuple[Place, ...], submission: Submission, decoded: DecodedSubmission) -> None:
    """Let the keys in the body count only if no earlier place has a key."""
    if "event" in places and not finder(places[: places.index("event")])(submission):
        return
    if isinstance(decoded.messages, SlowMessages):
        decoded.write_key = None
        decoded.messages.forget_keys()
    else:
        decoded.forget_keys()


def _query_key(submission: Submission) -> str | None:
    """Return a key in the query: `writeKey`, or another spelling in use. Raises UnreadableBody."""
    return parameters.find_write_key(parameters.read(submission.query)) if submission.query else None


def _x_write_key(submission: Submission) -> str | None:
    key = submission.headers.get(b"x-write-key")
    return key.decode("utf-8", "replace") if key else None


def _basic(submission: Submission) -> str | None:
    user, password = _credentials(submission.headers.get(b"authorization", b""))
    return None if password else user


def _login(submission: Submission) -> str | None:
    user, password = _credentials(submission.headers.get(b"authorization", b""))
    return user if password else None


# A client sends the same header with every request: 0.1 µs instead of 2.
@remembered.of_short(256, 1024)
def _credentials(header: bytes) -> tuple[str | None, bytes]:
    scheme, _, credentials = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None, b""
    credentials = credentials.strip()
    try:
        pair = base64.b64decode(credentials + b"=" * (-len(credentials) % 4))
    except binascii.Error:
        return None, b""
    user, _, password = pair.partition(b":")
    return user.decode("utf-8", "replace") or None, password


_OUTSIDE: dict[str, Callable[[Submission], str | None]] = {
    "header": _x_write_key,
    "basic": _basic,
    "query": _query_key,
    "login": _login,
}


def resolve(key: str | None, sources: Sources) -> str:
    """
    Return the spelling of a key found outside a body that belongs to a source; the key itself if none does.

    An unencoded "+" has become a space on the way, and templates mangle what they copy.
    """
    if not key or not _MANGLED.search(key) or _is_known(key, sources):
        return key or ""
    return next((spelling for spelling in _spellings(key) if _is_known(spelling, sources)), key)


_MANGLED = re.compile(r"[ %\"']|^3D")


def _spellings(key: str) -> Iterator[str]:
    for plain in (key, unquote(key), unquote(unquote(key))):
        for bare in (plain, plain.strip("\"' ").removeprefix("3D").strip("\"'")):
            yield bare
            yield bare.replace(" ", "+")


def _is_known(key: str, sources: Sources) -> bool:
    try:
        sources.authenticate(key)
    except UnknownWriteKey:
        return False
    except Refusal:
        pass  # it is the key of a disabled source
    return True


@lru_cache
def eraser(write_keys: tuple[str, ...]) -> Callable[[bytes], bytes]:
    """
    Return a function that removes a source's keys from one or more lines of JSON: the fields `writeKey`,
    `write_key`, `write-key`, `token` and `tc_skey`, in any case and at any depth, if they hold such a key.
    """
    marks = [(_mark(key), b'"name":%b' % _mark(key)) for key in write_keys]
    values = b"|".join(map(_spell_value, write_keys))
    field = rb'"(?<=[{,\s]")(?:%b)"\s*+:\s*+(?:%b)\s*+' % (_NAMES, values)
    fields = re.compile(rb"%b(?:,\s*+%b)*+(?P<more>,?)" % (field, field))

    def erase(text: bytes) -> bytes:
        for mark, harmless in marks:
            # Each event names its source, and a source often has the same name as its key.
            # Searching from the end takes CPython half the time.
            if text.rfind(mark) >= 0 and text.count(mark) != text.count(harmless):
                return b"".join(without_fields(text))
        return text

    def without_fields(text: bytes) -> Iterator[bytes]:
        copied = 0
        for found in fields.finditer(text):
            before = text[copied : found.start()]
            yield before if found["more"] else before.rstrip().removesuffix(b",")
            copied = found.end()
        yield text[copied:]

    return erase


_NAMES = rb"[wW][rR][iI][tT][eE][_-]?[kK][eE][yY]|[tT][oO][kK][eE][nN]|[tT][cC]_[sS][kK][eE][yY]"
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_NUMBER = re.compile(r"0|[1-9][0-9]*")
"""A key that a sender may write as a number."""


def _mark(key: str) -> bytes:
    """Return bytes that any text with the key must contain, however JSON writes it; the rarer, the better."""
    if _NUMBER.fullmatch(key):
        return key.encode()
    if _PLAIN.fullmatch(key):
        return b'"%b"' % key.encode()
    return max(_PLAIN.findall(key), key=len, default='"').encode()


def _spell_value(key: str) -> bytes:
    """Return a pattern for all the ways in which JSON can write a key."""
    text = b'"%b"' % b"".join(map(_spell, key))
    return rb"%b|%b(?=\s*[,}])" % (text, key.encode()) if _NUMBER.fullmatch(key) else text


def _spell(character: str) -> bytes:
    """Return a pattern for all the ways in which JSON can write a character."""
    if _PLAIN.fullmatch(character):
        return character.encode()
    units = character.encode("utf-16-be", "surrogatepass")
    escaped = "".join(f"\\\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
    short = {'"': r"\\\"", "\\": r"\\\\", "/": r"\\?/"}.get(character)
    plain = short or re.escape(character)
    return f"(?:{plain}|(?i:{escaped}))".encode("utf-8", "surrogatepass")
