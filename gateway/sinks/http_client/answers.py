"""What a target answered, and which class of failure its status stands for."""

import time
from calendar import timegm
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import msgspec

from gateway.errors import SinkMisconfigured, SinkRefused, SinkUnavailable

MAX_WORDS_BYTES = 4096
_MAX_RETRY_SECONDS = 3600.0
_LATER = (408, 425, 429)
_OPERATOR = (401, 403, 404, 405, 410)


class Answer(msgspec.Struct, frozen=True):
    """An answer, without any of the secrets that the client knows."""

    host: str
    """Host and port that answered."""
    status: int
    headers: Mapping[str, str]
    """Case-insensitive."""
    body: bytes
    """At most the first 64 KB, unless its client reads more."""
    broken: bool = False
    """True if the body was cut off before its end and before that limit."""

    @property
    def line(self) -> str:
        """Who answered what, in one line."""
        try:
            phrase = f" {HTTPStatus(self.status).phrase}"
        except ValueError:
            phrase = ""
        return f"{self.host} answered {self.status}{phrase}"

    @property
    def words(self) -> str:
        """The first 4 KB of the body as text."""
        return self.body[:MAX_WORDS_BYTES].decode(errors="replace")


def check(answer: Answer) -> None:
    """
    Return if the status is 2xx.

    Raises SinkUnavailable for 408, 425, 429 and 5xx, with the time that Retry-After asks for;
    SinkMisconfigured for 3xx, 401, 403, 404, 405 and 410; SinkRefused, without culprits, for all others.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    if status >= 500 or status in _LATER:
        raise SinkUnavailable(answer.line, retry_after=retry_after(answer), answer=answer.words)
    if status < 400:
        raise SinkMisconfigured(f"{answer.line}; redirects are not followed", answer=answer.words)
    if status in _OPERATOR:
        raise SinkMisconfigured(answer.line, answer=answer.words)
    raise SinkRefused(answer.line, answer=answer.words)


def retry_after(answer: Answer, now: float | None = None, *, header: str = "Retry-After") -> float | None:
    """
    Return the seconds that Retry-After asks for, given as a number or an HTTP date; at most an hour.

    Some targets have their own `header`. None without it, or if it is neither. `now` is in seconds since
    1970.
    """
    value = answer.headers.get(header, "").strip()
    if value.isascii() and value.isdecimal():
        seconds = float(value[:9])
    else:
        try:
            date = timegm(parsedate_to_datetime(value).utctimetuple())
        except (ValueError, OverflowError):
            return None
        seconds = date - (time.time() if now is None else now)
    return min(max(seconds, 0.0), _MAX_RETRY_SECONDS)
