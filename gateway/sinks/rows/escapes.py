"""Characters in JSON that some targets cannot hold: U+0000, and halves of surrogate pairs."""

import re

# Every escape is matched, so that no backslash is mistaken for the start of another escape: in \\u0000 an
# escaped backslash is followed by digits. (PostHog#27179 and #32893 show where the naive way leads.)
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"
    rb"|(?P<lost>u(?:0000|[dD][89a-fA-F][\da-fA-F]{2}))|.)",
    re.DOTALL,
)
_REPLACEMENT = rb"\ufffd"


def replace_unstorable(data: bytes) -> bytes:
    r"""
    Return lines of JSON in which \u0000 and each lone surrogate has become U+FFFD.

    PostgreSQL refuses \u0000 (SQLSTATE 22P05) and a lone surrogate (22P02) in jsonb, and U+0000 in text.
    """
    if not _is_suspect(data):
        return data
    return b"\n".join(_replace(line) if _is_suspect(line) else line for line in data.split(b"\n"))


def _is_suspect(data: bytes) -> bool:
    return b"\\u0000" in data or b"\\ud" in data or b"\\uD" in data


def _replace(line: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: _REPLACEMENT if found["lost"] else found[0], line)
