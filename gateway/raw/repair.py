"""
Repairs of invalid JSON that shipped SDKs send.

Python's json module writes NaN and Infinity; every JavaScript client escapes half an emoji when it cuts one.
Such a value is replaced, and a value that is nested too deeply to be decoded is removed, so that the rest can
be read. Only bodies that no decoder can read come here.
"""

import re
from typing import Literal

import msgspec

from gateway.warnings import WarningCode

MAX_LEVELS = 520
"""
Levels of nesting that survive, give or take what is skipped at once: a few more than an event may have (see
raw/bodies.py), for what is around it in a body. The decoder reads them with Python's default recursion limit.
"""


_STRING = rb'"(?:[^"\\]++|\\[^u])*+"'
"""A string without the escapes that may have to be replaced."""


def _clean(levels: int) -> bytes:
    """Return a pattern for an object or list of at most `levels` levels in which nothing needs a repair."""
    below = b"|" + _clean(levels - 1) if levels > 1 else b""
    return rb'[\[{](?:[^"\[\]{}NI]++|%b%b)*+[\]}]' % (_STRING, below)


# First what can be skipped at once: most events of a batch as a whole, and most fields of the others. Then a
# string (with what makes it a key), a bracket, a comma, or a literal that JSON does not know. A string that
# never ends matches all the rest: searching for its end again from each quote would be quadratic.
_TOKEN = re.compile(
    rb'%(clean)b|(?:%(string)b\s*+:(?:\s*+(?:%(string)b|%(clean)b)\s*+|[^"\[\]{}NI,]++),\s*+)++'
    rb'|"(?P<text>[^"\\]*+(?:\\.[^"\\]*+)*+)(?:"(?P<key>\s*+:)?|\\?\Z)'
    rb"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)|(?P<number>-?Infinity|NaN)"
    % {b"clean": _clean(levels=6), b"string": _STRING},
    re.DOTALL,
)
_BRACKETS = re.compile(
    rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z))*+(?:(?P<open>[\[{]++)|(?P<close>[\]}]++)|\Z)',
    re.DOTALL,
)

_MAX_TOKENS = 100_000
_BYTES_A_TOKEN = 8
"""
Each token costs about 1 µs. A body of 500 KB may have 100,000 tokens that cannot be skipped, a larger one
more: each of its events may have a NaN, and then has about 20 tokens.
"""

# The same repair of numbers, without their places, at the speed of the regular expression. It matches
# everywhere: a failed match would be tried again from each next byte, which would be quadratic.
_NUMBER = re.compile(
    rb'(?P<before>(?:[^"NI-]++|-(?!Infinity)|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z))*+)'
    rb"(?:(?P<number>-?Infinity|NaN)|(?P<after>.?))",
    re.DOTALL,
)
# A whole pair is matched first, so that only single halves are left; "\\ud83d" is not an escape.
_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


Code = WarningCode | Literal["too_deep"]


class Repair(msgspec.Struct, frozen=True):
    """One value that was replaced: its path from the root of the body, and the reason."""

    path: tuple[str | int, ...]
    code: Code
    detail: str = ""


def repair(body: bytes) -> tuple[bytes, list[Repair]]:
    """
    Replace what no decoder reads; if the result is not JSON either, its decoder says so.

    Takes linear time. In a body of little but brackets, the last repairs are not listed.
    """
    pieces: list[bytes] = []
    repairs: list[Repair] = []
    path: list[str | int] = []
    copied = start = 0
    left = max(_MAX_TOKENS, len(body) // _BYTES_A_TOKEN)

    def replace(span: tuple[int, int], new: bytes, code: Code, detail: str = "") -> None:
        nonlocal copied
        pieces.append(body[copied : span[0]])
        pieces.append(new)
        copied = span[1]
        repairs.append(Repair(tuple(path), code, detail))

    while start < len(body):
        for token in _TOKEN.finditer(body, start):
            kind = token.lastgroup
            if kind is None:
                continue
            left -= 1
            if left < 0:
                rest = _SURROGATE.sub(_whole, _NUMBER.sub(_without_number, body[token.start() :]))
                return b"".join((*pieces, body[copied : token.start()], rest)), repairs
            if kind == "open":
                if len(path) == MAX_LEVELS:
                    start = _end_of_value(body, token.start())
                    replace((token.start(), start), b"null", "too_deep")
                    break
                path.append(0 if token[0] == b"[" else "")
            elif kind == "close":
                if path:
                    path.pop()
            elif kind == "comma":
                if path and isinstance(path[-1], int):
                    path[-1] += 1
            elif kind == "number":
                replace(token.span(), b"null", "not_a_number", token[0].decode())
            else:
                text = token["text"]
                if kind == "key" and path and isinstance(path[-1], str):
                    path[-1] = text.decode("utf-8", "replace")
                if b"\\u" in text:
                    whole = _SURROGATE.sub(_whole, text)
                    if whole != text:
                        replace(token.span("text"), whole, "lone_surrogate")
        else:
            break
    pieces.append(body[copied:])
    return b"".join(pieces), repairs


def _end_of_value(body: bytes, start: int) -> int:
    """Return where the object or list that starts there ends; the end of the body if it does not."""
    levels = 0
    for found in _BRACKETS.finditer(body, start):
        levels += len(found["open"] or b"") - len(found["close"] or b"")
        if levels <= 0:
            return found.end() + levels
    return len(body)


def _whole(found: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if found["lone"] else found[0]


def _without_number(found: re.Match[bytes]) -> bytes:
    return found["before"] + (b"null" if found["number"] else found["after"])
