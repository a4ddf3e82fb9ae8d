"""The interface of a dialect: what each file or folder beside this one offers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from gateway.errors import Refusal
from gateway.message import DecodedSubmission, Message
from gateway.operation import Operation
from gateway.outcome import Answer, Outcome
from gateway.sources import Limits, Source
from gateway.submission import Submission

Decode = Callable[[Submission], DecodedSubmission]


class Dialect(Protocol):
    """Pure functions that know no clock, configuration or I/O."""

    @property
    def METHODS(self) -> Sequence[str]:
        """The HTTP methods that carry events."""

    @property
    def PATHS(self) -> Mapping[str, str]:
        """Each path, as the documents spell it, with the type that it gives its event, or ""."""

    @property
    def LIMITS(self) -> Limits: ...

    def write_key(self, submission: Submission, /) -> str | None:
        """Find the key where this dialect's clients put it, outside the body."""

    def decode(self, submission: Submission, /) -> DecodedSubmission:
        """Read the body, or raise UnreadableBody; one bad message never costs its neighbours."""

    def validate(self, message: Message, /) -> None:
        """Raise the first Refusal that this dialect's rules have for a message."""

    def answer(self, submission: Submission, outcome: Outcome, /) -> Answer:
        """Reply to a submission that was read."""

    def refuse(self, submission: Submission, refusal: Refusal, /) -> Answer:
        """Reply to a submission that was refused as a whole, or could not be stored now."""

    def describe(self, method: str, path: str, /) -> Operation:
        """Say what one of the routes takes, and every answer that the two above can give there."""


@runtime_checkable
class ForSource(Protocol):
    """Offered besides by a dialect whose submissions may be read as a source's table says."""

    def for_source(self, source: Source, max_events: int, /) -> Decode | None:
        """
        Return how to decode the submissions of a source, or None if as those of all others.

        It is used where the source's key stands outside the body, and may raise whatever `decode` may, and
        BadSignature. `max_events` is the most that any source accepts at once.
        """
