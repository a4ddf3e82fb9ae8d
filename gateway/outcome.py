"""The outcome of a submission, and the answer to it."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from gateway.errors import OriginNotAllowed, Refusal
from gateway.sources import MultiStatus


class Refused(msgspec.Struct, frozen=True):
    """One message of a submission that was not stored."""

    place: int | None
    """Its index in what was sent; None for all of it."""
    message_id: str | None
    refusal: Refusal


class Outcome(msgspec.Struct):
    """The outcome for the messages of one submission."""

    stored: int
    """Events that are durable because of it."""
    accepted: int
    """Messages with nothing wrong: those stored, and those that the dialect ignores."""
    refused: list[Refused]
    batch: bool
    """True if the client is answered event by event."""
    multi_status: MultiStatus = "auto"
    """The strictest setting of the sources concerned."""
    library: tuple[str, str] = ("", "")
    """The name and version of the sender's library, from the first message."""
    cookies: Sequence[bytes] = ()
    """The values of the Set-Cookie headers of the answer."""

    in_flight: int = 0
    """Stored events for which it is not yet decided whether they are accepted or refused."""
    block: bytes = b""
    """The stored events, a line each, without the end of the last line."""
    partitions: Sequence[int] = ()
    """The partition of each stored event; empty if the journal has only one."""
    carries: int = 0
    """Flags of the optional parts that the stored events may have; see journal/chunk.py."""

    @property
    def origin_denied(self) -> bool:
        """Return whether the page that sent the submission may not read the answer."""
        return any(isinstance(one.refusal, OriginNotAllowed) for one in self.refused)


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes = b""
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Failure(msgspec.Struct):
    """
    The body of an error: `Error`, `Message`, `Details` as documented by MetaRouter, and `code` and
    `message`, without which segment-analytics-python 2.3 retries a 400 ten times.
    """

    Error: str
    Message: str
    Details: str
    code: str
    message: str


def error(status: int) -> Answer:
    """Return an error that is not about events, with keys that all SDKs can read."""
    phrase = HTTPStatus(status).phrase
    code = phrase.lower().replace(" ", "_")
    return Answer(status, msgspec.json.encode(Failure(phrase, phrase, "", code, phrase)))
