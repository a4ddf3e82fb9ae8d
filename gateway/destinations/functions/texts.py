"""Texts in other forms."""

import re
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

from gateway.destinations.encoding import encode
from gateway.destinations.paths import walk

_NOT_PUNCTUATION = re.compile(r"[^\w\s]|_")
_SPACE = re.compile(r"\s+")
_NOT_DIGIT = re.compile(r"[^0-9]")
_NOT_IN_NAME = re.compile(r"\W+", re.ASCII)
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def trim(value: str) -> str:
    """Without white space around it."""
    return value.strip()


def lower(value: str) -> str:
    """In lower case."""
    return value.lower()


def upper(value: str) -> str:
    """In upper case."""
    return value.upper()


def digits(value: str) -> str:
    """Only the digits 0 to 9."""
    return _NOT_DIGIT.sub("", value)


def no_space(value: str) -> str:
    """Without any white space."""
    return _SPACE.sub("", value)


def no_punct(value: str) -> str:
    """Only letters, digits and white space, of any script."""
    return _NOT_PUNCTUATION.sub("", value)


def text(value: str) -> str:
    """A number as a text; a text stays, and anything else is absent."""
    return value


def slice(value: str, start: int, end: int) -> str:
    """The characters from the first number on, before the second."""
    return value[start:end]


def snake(value: str) -> str:
    """As a name: `Order Completed` and `orderCompleted` are both `order_completed`."""
    return _NOT_IN_NAME.sub("_", _WORD_START.sub("_", value)).strip("_").lower()


def name(value: str) -> str:
    """The characters A to Z, a to z, 0 to 9 and `_`, with one `_` for whatever else is between them."""
    return _NOT_IN_NAME.sub("_", value).strip("_")


def prefix(value: str, before: str) -> str:
    """Behind another text: `prefix:Viewed ` makes `Viewed Home` of `Home`."""
    return before + value


def escape(value: str) -> str:
    """With `&amp;`, `&lt;` and `&gt;` for `&`, `<` and `>`."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mrkdwn(event: Any, text: str) -> str:
    """
    A message for Slack: a text with the values of the whole event for `{properties.total}` and the like.

    `{userId|anonymousId}` is the first that is there. Values are escaped, so that none can mention anybody.
    """

    def replace(found: re.Match[str]) -> str:
        for each in found[1].split("|"):
            value = walk(event, each.split("."))
            if value is not None:
                return escape(value if isinstance(value, str) else json(value))
        return ""

    return _PLACEHOLDER.sub(replace, text)


def base64(value: str) -> str:
    """In base64, as Basic authentication needs it."""
    return b64encode(value.encode("utf-8", "replace")).decode()


def json(value: Any) -> str:
    """As JSON in a text."""
    return encode(value).decode()


def host(value: str) -> str | None:
    """The host of an address."""
    try:
        return urlsplit(value).hostname
    except ValueError:
        return None


def path(value: str) -> str | None:
    """The path of an address."""
    try:
        return urlsplit(value).path
    except ValueError:
        return None


def cut(value: Any, most: int) -> Any:
    """At most so many characters; what is no text stays as it is."""
    return value[:most] if isinstance(value, str) else value


def wrap(value: Any, key: str) -> dict[str, Any]:
    """An object with the value under a key."""
    return {key: value}
