"""The class of a failure of NATS, by the codes of JetStream and by what the connection tells."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from anyio import CancelScope, current_time
from nats import errors
from nats.js import errors as stream_errors

from gateway.errors import SinkMisconfigured, SinkUnavailable

# Codes of JetStream, `server/errors.json` of NATS 2.15.
DUPLICATE = 10201
"""The stream has a message of an atomic batch already."""
INCOMPLETE = 10176
"""A message of an atomic batch was refused, which only its own answer would tell."""
TOO_LARGE = 10054
"""A message is larger than the stream allows."""
_MISCONFIGURED = frozenset(
    {
        10039,  # JetStream is not enabled for the account
        10059,  # no such stream
        10060,  # the subject belongs to another stream
        10076,  # JetStream is not enabled
        10174,  # the stream does not allow atomic batches
    }
)
_MISCONFIGURATIONS = (
    errors.AuthorizationError,
    errors.SecureConnRequiredError,
    errors.SecureConnWantedError,
    ssl.SSLCertVerificationError,
)
_WORDS = ("authorization violation", "permissions violation", "authentication")
"""What the texts of such errors say that are of no class of their own."""

_MAX_ANSWER_CHARACTERS = 4096


class Error(msgspec.Struct, frozen=True):
    """An error of JetStream; without a code it is none."""

    code: int = 0
    err_code: int = 0
    description: str = ""


class Answer(msgspec.Struct):
    """The answer to a published message; without an error it is stored."""

    error: Error = Error()


read_answer = msgspec.json.Decoder(Answer).decode
"""Raises msgspec.DecodeError."""


class Troubles:
    """What a connection tells beside its answers: that it is lost, or that a right is missing."""

    def __init__(self) -> None:
        self._last: Exception | None = None
        self._scope: CancelScope | None = None

    async def add(self, error: Exception) -> None:
        self._last = error
        if _is_misconfiguration(error):
            await self.lost()

    async def lost(self) -> None:
        """Let nothing wait for an answer any more; nats-py would until its time is over."""
        if self._scope:
            self._scope.cancel()

    @contextmanager
    def translated(self, seconds: float) -> Iterator[None]:
        """Raise SinkUnavailable or SinkMisconfigured for exceptions of the driver, and after a time."""
        try:
            with CancelScope(deadline=current_time() + seconds) as self._scope:
                yield
            if self._scope.cancelled_caught:
                late = current_time() >= self._scope.deadline
                raise errors.TimeoutError if late else errors.ConnectionClosedError
        except (errors.Error, OSError, msgspec.DecodeError) as error:
            if isinstance(error, stream_errors.APIError):
                check(Error(error.code or 0, error.err_code or 0, error.description or ""))
            cause = next((each for each in (self._last, error) if each and _is_misconfiguration(each)), None)
            reached = not isinstance(error, errors.NoServersError)
            text = str(cause or (error if reached else self._last)) or "no answer in time"
            failure = SinkMisconfigured if cause else SinkUnavailable
            raise failure(text[:500], answer=text[:_MAX_ANSWER_CHARACTERS]) from error


def check(error: Error) -> None:
    """Raise SinkMisconfigured or SinkUnavailable unless the error is none."""
    if error.code:
        failure = SinkMisconfigured if error.err_code in _MISCONFIGURED else SinkUnavailable
        raise failure(describe(error), answer=describe(error))


def describe(error: Error) -> str:
    """Return a line for operators."""
    return f"{error.err_code} {error.description}"[:_MAX_ANSWER_CHARACTERS]


def _is_misconfiguration(error: Exception) -> bool:
    return isinstance(error, _MISCONFIGURATIONS) or any(words in str(error).lower() for words in _WORDS)
