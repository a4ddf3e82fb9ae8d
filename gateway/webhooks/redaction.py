"""
Write keys in the bodies of webhooks, which senders repeat from their settings.

GitHub's `ping` has the webhook's whole address in `hook.config.url`.
"""

import re
from collections.abc import Collection
from urllib.parse import unquote

import msgspec

_NAME = rb"write[_-]?key|token|tc_skey"
_MAYBE = re.compile(_NAME, re.IGNORECASE)

# In JSON without white space a name follows a brace or a comma; a quote inside a text follows a backslash.
_MEMBER = re.compile(rb'[{,]"(?:%b)":("(?:[^"\\]|\\.)*+")' % _NAME, re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(rb"""((?:%b)=)([^&#"'\\<>\s]+)""" % _NAME, re.IGNORECASE)
_PUNCTUATION = ".,;:!?)"

_decode = msgspec.json.Decoder(str).decode


def without_keys(text: bytes, keys: Collection[str]) -> bytes:
    """
    Return JSON, which must have no white space between its tokens, without the keys.

    A field that is named like a write key (`writeKey`, `write_key`, `write-key`, `token`, `tc_skey`, in any
    case) and holds one of the keys is removed, at any depth; in an address within a text, the key becomes
    ***. A field with such a name but another value stays.
    """
    if not _MAYBE.search(text):
        return text

    def redact(found: re.Match[bytes]) -> bytes:
        value = unquote(found[2].decode())
        return found[1] + b"***" if value in keys or value.rstrip(_PUNCTUATION) in keys else found[0]

    return _PARAMETER.sub(redact, _without_members(text, keys))


def _without_members(text: bytes, keys: Collection[str]) -> bytes:
    pieces: list[bytes] = []
    copied = 0
    for found in _MEMBER.finditer(text):
        if not _is_one_of(keys, found[1]):
            continue
        start, end = found.span()
        # An object's first field is removed with the comma after it, any other with the comma before it.
        if text[start : start + 1] == b"{" or start < copied:
            start = max(start + 1, copied)
            end += text[end : end + 1] == b","
        pieces.append(text[copied:start])
        copied = end
    return b"".join([*pieces, text[copied:]])


def _is_one_of(keys: Collection[str], text: bytes) -> bool:
    try:
        return _decode(text) in keys
    except msgspec.DecodeError:  # half a surrogate pair
        return False
