"""The account of one submission: what is stored of it, what is refused, and what its client is told."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from gateway import metrics
from gateway.errors import EmptyBatch, Refusal
from gateway.intake.admission import Grant
from gateway.intake.refusals import count
from gateway.intake.visitor import Visitor
from gateway.message import DecodedSubmission, Message, Rejected
from gateway.outcome import Outcome, Refused
from gateway.sources import MultiStatus

_STRICTEST_FIRST: tuple[MultiStatus, ...] = ("always", "auto", "never")


class Account:
    """The messages of one submission that were stored, refused or ignored so far."""

    __slots__ = ("by_key", "grants", "ignored", "places", "refused", "stored", "visitors")

    def __init__(self) -> None:
        self.by_key: dict[str, Grant | Refusal] = {}
        """The grant or the refusal of each write key."""
        self.stored: list[Message] = []
        """Normalized messages, in the order in which they were sent."""
        self.places: list[int] = []
        """The index of each of them in what was sent."""
        self.grants: list[Grant] = []
        """The grant of each of them."""
        self.refused: list[Refused] = []
        self.ignored = 0
        self.visitors: dict[str, Visitor] = {}

    @property
    def safe_bytes(self) -> int:
        """The longest line, in bytes, that is within the limits of every grant without being measured."""
        return min(grant.safe_bytes for grant in self.by_key.values() if isinstance(grant, Grant))

    def check_refusal(self, decoded: DecodedSubmission) -> None:
        """
        Raise the Refusal of a whole submission of which nothing is stored, if its only key is refused, or if
        it has no events.
        """
        if len(self.by_key) == 1:
            [grant] = self.by_key.values()
            if isinstance(grant, Refusal):
                raise grant.concerning(len(decoded.messages))
        if not decoded.messages and not decoded.is_handshake:
            raise EmptyBatch

    def close(self, block: bytes, decoded: DecodedSubmission) -> Outcome:
        """Count what has arrived and what is refused of it, and return the outcome of a durable block."""
        # First, so that a killed process never has more accepted and refused events than received ones.
        metrics.RECEIVED.add(len(self.stored) + len(self.refused))
        if self.ignored:
            metrics.DELETIONS.inc(self.ignored)
        if self.refused:
            for refusal, events in Counter(type(one.refusal) for one in self.refused).items():
                count(refusal, events)
        for message in self.stored:
            for warning in message.warnings:
                metrics.REPAIRED.labels(warning.code).inc()
        stored = len(self.stored)
        metrics.IN_FLIGHT.now += stored
        outcome = Outcome(
            stored=stored,
            accepted=stored + self.ignored,
            refused=self.refused,
            batch=decoded.batch,
            in_flight=stored,
            block=block,
            carries=decoded.carries,
        )
        if self.visitors:
            outcome.cookies = [visitor.cookie for visitor in self.visitors.values()]
        if self.refused and outcome.accepted:
            outcome.multi_status = _strictest(self.by_key.values())
            outcome.library = _library(decoded.messages)
        return outcome


def _strictest(grants: Iterable[Grant | Refusal]) -> MultiStatus:
    wishes = {grant.multi_status for grant in grants if isinstance(grant, Grant)}
    return min(wishes, key=_STRICTEST_FIRST.index)


class _Library(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Context(msgspec.Struct):
    library: _Library = msgspec.field(default_factory=_Library)


_read_context = msgspec.json.Decoder(_Context).decode


def _library(messages: Sequence[Message | Rejected]) -> tuple[str, str]:
    """Return what the first message says of the library that sent it."""
    for message in messages:
        if isinstance(message, Message):
            try:
                library = _read_context(message.context or b"{}").library
            except (msgspec.DecodeError, UnicodeDecodeError):
                break
            return library.name, library.version
    return "", ""
