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
    """The text without surrounding white space."""
    return value.strip()


def lower(value: str) -> str:
    """The text in lower case."""
    return value.lower()


def upper(value: str) -> str:
    """The text in upper case."""
    return value.upper()


def digits(value: str) -> str:
    """Only the digits 0 to 9 of the text."""
    return _NOT_DIGIT.sub("", value)


def no_space(value: str) -> str:
    """The text without any white space."""
    return _SPACE.sub("", value)


def no_punct(value: str) -> str:
    """Only the letters, digits and white space of the text, in any script."""
    return _NOT_PUNCTUATION.sub("", value)


def text(value: str) -> str:
    """A number as a text; a text stays, and anything else is absent."""
    return value


def slice(value: str, start: int, end: int) -> str:
    """The characters from the first number on, before the second."""
    return value[start:end]


def snake(value: str) -> str:
    """The text in snake case: `Order Completed` and `orderCompleted` both become `order_completed`."""
    return _NOT_IN_NAME.sub("_", _WORD_START.sub("_", value)).strip("_").lower()


def name(value: str) -> str:
    """The characters A to Z, a to z, 0 to 9 and `_`, with one `_` for anything else between them."""
    return _NOT_IN_NAME.sub("_", value).strip("_")


def prefix(value: str, before: str) -> str:
    """The text after another one: `prefix:Viewed ` turns `Home` into `Viewed Home`."""
    return before + value


def escape(value: str) -> str:
    """The text with `&amp;`, `&lt;` and `&gt;` for `&`, `<` and `>`."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mrkdwn(event: Any, text: str) -> str:
    """
    A message for Slack: a text in which values of the event replace `{properties.total}` and the like.

    `{userId|anonymousId}` is the first that is present. Values are escaped, so that none can mention anybody.
    """

    def replace(found: re.Match[str]) -> str:
        for each in found[1].split("|"):
            value = walk(event, each.split("."))
            if value is not None:
                return escape(value if isinstance(value, str) else json(value))
        return ""

    return _PLACEHOLDER.sub(replace, text)


def base64(value: str) -> str:
    """The text in base64, as needed for Basic authentication."""
    return b64encode(value.encode("utf-8", "replace")).decode()


def json(value: Any) -> str:
    """The value as a text of JSON."""
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
    """At most `most` characters of a text; any other value stays as it is."""
    return value[:most] if isinstance(value, str) else value


def wrap(value: Any, key: str) -> dict[str, Any]:
    """An object with the value under a key."""
    return {key: value}
