"""What failures of the Delta Lake library mean for delivery."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from deltalake.exceptions import DeltaError, DeltaProtocolError, SchemaMismatchError, TableNotFoundError

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured, SinkUnavailable

_MAX_ANSWER_CHARACTERS = 4096
_FOR_AN_OPERATOR = (DeltaProtocolError, SchemaMismatchError, TableNotFoundError)
# All failures of a store raise the same OSError; these words tell them apart.
_WORDS_FOR_AN_OPERATOR = (
    "401 Unauthorized",
    "403 Forbidden",
    "NoSuchBucket",
    "404 Not Found",
    "incorrectly configured region",
    "InvalidCertificate",
    "invalid peer certificate",
    "URL scheme is not allowed",
    "Permission denied",
    "Not a directory",
    "Read-only file system",
)
_COLORS = re.compile(r"\x1b\[[\d;]*m")
_QUERY = re.compile(r"\?[^\s\"<)]*")
"""The query of an address, which can contain signatures."""


@contextmanager
def translated(where: str, secrets: Sequence[Secret | None]) -> Iterator[None]:
    """Raise SinkUnavailable or SinkMisconfigured for what the library raises in the block."""
    try:
        yield
    except (DeltaError, OSError) as error:
        text = _text(error, secrets)
        if isinstance(error, _FOR_AN_OPERATOR) or any(words in text for words in _WORDS_FOR_AN_OPERATOR):
            raise SinkMisconfigured(f"{where}: {_summary(text)}", answer=text) from error
        raise SinkUnavailable(f"{where}: {_summary(text)}", answer=text) from error


def _text(error: Exception, secrets: Sequence[Secret | None]) -> str:
    text = _QUERY.sub("", _COLORS.sub("", str(error)))
    for secret in filter(None, secrets):
        text = text.replace(secret.reveal(), str(secret))
    return text[:_MAX_ANSWER_CHARACTERS]


def _summary(text: str) -> str:
    """Return the text on one line, without the body of an answer."""
    return " ".join(text.partition("<?xml")[0].replace("↳", ":").split())
