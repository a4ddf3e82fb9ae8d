"""The class of a NATS failure, by JetStream's codes and by what the connection reports."""

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
"""The stream already has a message of an atomic batch."""
INCOMPLETE = 10176
"""A message of an atomic batch was refused; only the answer to that message would say why."""
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
"""Words in the texts of such errors that have no exception class of their own."""

_MAX_ANSWER_CHARACTERS = 4096


class Error(msgspec.Struct, frozen=True):
    """A JetStream error; without a code it is not an error."""

    code: int = 0
    err_code: int = 0
    description: str = ""


class Answer(msgspec.Struct):
    """The answer to a published message; without an error it is stored."""

    error: Error = Error()


read_answer = msgspec.json.Decoder(Answer).decode
"""Raises msgspec.DecodeError."""


class Troubles:
    """What a connection reports besides answers: that it is lost, or that a permission is missing."""

    def __init__(self) -> None:
        self._last: Exception | None = None
        self._scope: CancelScope | None = None

    async def add(self, error: Exception) -> None:
        self._last = error
        if _is_misconfiguration(error):
            await self.lost()

    async def lost(self) -> None:
        """End all waits for answers; nats-py would wait until they time out."""
        if self._scope:
            self._scope.cancel()

    @contextmanager
    def translated(self, seconds: float) -> Iterator[None]:
        """Raise SinkUnavailable or SinkMisconfigured for the driver's exceptions, and after `seconds`."""
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
    """Raise SinkMisconfigured or SinkUnavailable unless the error has no code."""
    if error.code:
        failure = SinkMisconfigured if error.err_code in _MISCONFIGURED else SinkUnavailable
        raise failure(describe(error), answer=describe(error))


def describe(error: Error) -> str:
    """Return a line for operators."""
    return f"{error.err_code} {error.description}"[:_MAX_ANSWER_CHARACTERS]


def _is_misconfiguration(error: Exception) -> bool:
    return isinstance(error, _MISCONFIGURATIONS) or any(words in str(error).lower() for words in _WORDS)
