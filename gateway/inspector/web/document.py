"""Show JSON: indented, with syntax colours, and one place marked. All input is hostile."""

import json
import re
from collections.abc import Iterator

import msgspec
from markupsafe import Markup, escape

MAX_SHOWN = 128 * 1024
"""In characters; longer text is shown without colours."""

_MAX_INDENTED = 4 * MAX_SHOWN
"""In characters; the indentation of deep lists can be a thousand times as long as the lists."""

_TOKEN = re.compile(
    r'(?P<k>"(?:[^"\\]|\\.)*+"(?=:))|(?P<s>"(?:[^"\\]|\\.)*+")|(?P<n>[\w.+-]+)|(?P<p>[{}\[\],:])|\s+'
)
_PATH = re.compile(r"\$((?:\.[\w$-]+|\[\d+\])+)")
_STEP = re.compile(r"\.([\w$-]+)|\[(\d+)\]")

_MISSING = {
    "missing_type": "type",
    "missing_id": "userId",
    "missing_event": "event",
    "missing_group_id": "groupId",
    "missing_previous_id": "previousId",
}
_WRONG = {"unknown_type": "type", "message_id_too_long": "messageId"}


def show(text: str | bytes, marked: tuple[str, ...] = (), missing: str = "") -> Markup:
    """
    Return JSON as elements, and other text as it is.

    `marked` is the path of the value to mark; `missing`, a key that the object lacks, is shown in its place.
    """
    decoded = text.decode(errors="replace") if isinstance(text, bytes) else text
    try:
        if len(decoded) > MAX_SHOWN:
            return escape(visible(decoded))
        tokens = _tokens(_indent(decoded))
        lines = [_element(kind, word, bool(marked) and path == marked) for kind, word, path in tokens]
    except (ValueError, RecursionError):
        return escape(visible(decoded))
    if missing and lines[0] == _OPEN:
        lines.insert(1, Markup('\n  <mark>"{}": …</mark>').format(missing))
    return Markup("").join(lines)


def indented(text: str) -> str:
    """Return JSON as people edit it; other text, and JSON that would become very long, as it is."""
    try:
        return _indent(text)
    except (ValueError, RecursionError):
        return text


def _indent(text: str) -> str:
    """Return JSON with indentation. Raises ValueError or RecursionError."""
    found = msgspec.json.format(text, indent=2)
    if len(found) > max(_MAX_INDENTED, 2 * len(text)):
        raise ValueError("too deep")
    return found


def find_place(code: str, details: str) -> tuple[tuple[str, ...], str]:
    """Return what a refusal is about, as arguments of `show`: the path of a value, and a missing key."""
    if found := _PATH.match(details):
        return tuple(name or index for name, index in _STEP.findall(found[1])), ""
    if code in _WRONG:
        return (_WRONG[code],), ""
    return (), _MISSING.get(code, "")


def visible(text: str) -> str:
    """Return a text with control characters, such as those that change the direction, escaped."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in "\n\t" else json.dumps(each)[1:-1] for each in text)


_OPEN = Markup('<span class="p">{</span>')


def _tokens(formatted: str) -> Iterator[tuple[str, str, tuple[str, ...] | None]]:
    """Yield kind, text and path of each token of formatted JSON; the path only for keys and scalar values."""
    path: list[str] = []
    counts: list[int | None] = []  # one for each open list; None for an object
    for found in _TOKEN.finditer(formatted):
        kind, word = found.lastgroup or "", found[0]
        if word in ("{", "["):
            counts.append(0 if word == "[" else None)
            path.append("0")
            yield kind, word, None
        elif word in ("}", "]"):
            counts.pop()
            path.pop()
            yield kind, word, None
        elif kind == "k":
            path[-1] = json.loads(word)
            yield kind, word, tuple(path)
        else:
            if word == "," and counts[-1] is not None:
                counts[-1] += 1
                path[-1] = str(counts[-1])
            yield kind, word, tuple(path) if kind in ("s", "n") else None


def _element(kind: str, word: str, is_marked: bool) -> Markup:
    text = escape(visible(word))
    element = Markup('<span class="{}">{}</span>').format(kind, text) if kind else text
    return Markup("<mark>{}</mark>").format(element) if is_marked else element
