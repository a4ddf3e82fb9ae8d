"""Characters in JSON that some targets cannot hold: U+0000, and halves of surrogate pairs."""

import re

# Every escape is matched, so that the backslash of none is mistaken for the start of another: in \\u0000 an
# escaped backslash is followed by digits. (PostHog#27179 and #32893 show what becomes of the naive way.)
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"
    rb"|(?P<lost>u(?:0000|[dD][89a-fA-F][\da-fA-F]{2}))|.)",
    re.DOTALL,
)
_REPLACEMENT = rb"\ufffd"


def replace_unstorable(json: bytes) -> bytes:
    r"""
    Return JSON in which \u0000 and each lone surrogate has become U+FFFD.

    PostgreSQL refuses \u0000 (SQLSTATE 22P05) and a lone surrogate (22P02) in jsonb, and U+0000 in text.
    """
    if b"\\u0000" in json or b"\\ud" in json or b"\\uD" in json:
        return _ESCAPE.sub(lambda found: _REPLACEMENT if found["lost"] else found[0], json)
    return json
