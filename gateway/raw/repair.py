"""
What real SDKs send that is not JSON, made JSON.

Python's json module writes NaN and Infinity; every JavaScript client escapes half an emoji when it cuts
one. Such a value is replaced, and a value nested too deep to be read is taken out, so that it costs
no neighbour its place. This is the slow road: it is taken only when decoding failed.
"""

import re
from typing import Literal

import msgspec

from gateway.message import WarningCode

DEEPEST = 400
"""Levels of nesting that survive; the decoder itself gives up somewhat later (see processes/intake.py)."""

_MOST_TOKENS = 100_000  # more than any real body of 500 KB has; about 0.1 s

# A string (with what makes it a key), a bracket, or a literal that JSON does not know. A string that
# never ends takes the rest at once: looking for its end again from each quote would be quadratic.
_TOKEN = re.compile(
    rb'"(?P<text>[^"\\]*+(?:\\.[^"\\]*+)*+)(?:"(?P<key>\s*+:)?|\\?\Z)'
    rb"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)|(?P<number>-?Infinity|NaN)",
    re.DOTALL,
)
# A whole pair is matched first, so that only what is left over is alone; "\\ud83d" is no escape.
_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


Code = WarningCode | Literal["too_deep"]


class Repair(msgspec.Struct, frozen=True):
    """One value that was replaced: where, and why."""

    path: tuple[str | int, ...]
    code: Code
    detail: str = ""


def repair(body: bytes) -> tuple[bytes, list[Repair]]:
    """Replace what no decoder takes; what is still not JSON afterwards is for the decoder to say."""
    pieces: list[bytes] = []
    repairs: list[Repair] = []
    path: list[str | int] = []
    copied = depth = tokens = too_deep_from = 0

    def replace(span: tuple[int, int], new: bytes, code: Code, detail: str = "") -> None:
        nonlocal copied
        pieces.append(body[copied : span[0]])
        pieces.append(new)
        copied = span[1]
        repairs.append(Repair(tuple(path), code, detail))

    for token in _TOKEN.finditer(body):
        tokens += 1
        if tokens > _MOST_TOKENS:
            break
        kind = token.lastgroup
        if kind == "open":
            depth += 1
            if depth <= DEEPEST:
                path.append(0 if token[0] == b"[" else "")
            elif depth == DEEPEST + 1:
                too_deep_from = token.start()
        elif kind == "close":
            depth -= 1
            if depth == DEEPEST:
                replace((too_deep_from, token.end()), b"null", "too_deep")
            elif depth < DEEPEST and path:
                path.pop()
        elif depth > DEEPEST:
            continue
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
    pieces.append(body[copied:])
    return b"".join(pieces), repairs


def _whole(found: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if found["lone"] else found[0]
