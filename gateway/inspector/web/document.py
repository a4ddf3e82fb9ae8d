"""Show JSON: indented, each kind of token in its colour, and one place in it marked. All of it is hostile text."""

import json
import re
from collections.abc import Iterator

import msgspec
from markupsafe import Markup, escape

MAX_SHOWN = 128 * 1024
"""Characters; longer text is shown without colours."""

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

    `marked` is the path of the value to mark. `missing` is a key that the object lacks, shown where it would be.
    """
    decoded = text.decode(errors="replace") if isinstance(text, bytes) else text
    try:
        if len(decoded) > MAX_SHOWN:
            return escape(visible(decoded))
        tokens = _tokens(msgspec.json.format(decoded, indent=2))
        lines = Markup("").join(_element(kind, token, path == marked) for kind, token, path in tokens)
    except (ValueError, RecursionError):
        return escape(visible(decoded))
    if missing and lines.startswith(_OPEN):
        ghost = Markup('\n  <mark>"{}": …</mark>').format(missing)
        return _OPEN + ghost + Markup(lines[len(_OPEN) :])
    return lines


def find_place(code: str, details: str) -> tuple[tuple[str, ...], str]:
    """Return what a refusal is about, as `show` takes it: the path of a value, and the key that is missing."""
    if found := _PATH.match(details):
        return tuple(name or index for name, index in _STEP.findall(found[1])), ""
    if code in _WRONG:
        return (_WRONG[code],), ""
    return (), _MISSING.get(code, "")


def visible(text: str) -> str:
    """Return a text whose control characters, such as those that change the direction, are seen as escapes."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in "\n\t" else json.dumps(each)[1:-1] for each in text)


_OPEN = Markup('<span class="p">{</span>')


def _tokens(formatted: str) -> Iterator[tuple[str, str, tuple[str, ...] | None]]:
    """Yield kind, text and path of each token of formatted JSON; the path only for keys and single values."""
    path: list[str] = []
    counts: list[int | None] = []  # of each list that is open; None for an object
    for found in _TOKEN.finditer(formatted):
        kind, token = found.lastgroup or "", found[0]
        if token in ("{", "["):
            counts.append(0 if token == "[" else None)
            path.append("0")
            yield kind, token, None
        elif token in ("}", "]"):
            counts.pop()
            path.pop()
            yield kind, token, None
        elif kind == "k":
            path[-1] = json.loads(token)
            yield kind, token, tuple(path)
        else:
            if token == "," and counts[-1] is not None:
                counts[-1] += 1
                path[-1] = str(counts[-1])
            yield kind, token, tuple(path) if kind in ("s", "n") else None


def _element(kind: str, token: str, is_marked: bool) -> Markup:
    text = escape(visible(token))
    element = Markup('<span class="{}">{}</span>').format(kind, text) if kind else text
    return Markup("<mark>{}</mark>").format(element) if is_marked else element
