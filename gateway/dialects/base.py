"""The interface of a dialect, which each other file or folder here implements."""

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
        """Each path, as the documentation spells it, with the type that it gives its event, or ""."""

    @property
    def LIMITS(self) -> Limits: ...

    def write_key(self, submission: Submission, /) -> str | None:
        """Find the key where this dialect's clients put it, outside the body."""

    def decode(self, submission: Submission, /) -> DecodedSubmission:
        """Read the body, or raise UnreadableBody; one bad message never costs its neighbours."""

    def validate(self, message: Message, /) -> None:
        """Raise the Refusal for the first of this dialect's rules that a message breaks."""

    def answer(self, submission: Submission, outcome: Outcome, /) -> Answer:
        """Reply to a submission that was read."""

    def refuse(self, submission: Submission, refusal: Refusal, /) -> Answer:
        """Reply to a submission that was refused as a whole, or could not be stored now."""

    def describe(self, method: str, path: str, /) -> Operation:
        """Describe what a route takes, and every answer that `answer` and `refuse` can give there."""


@runtime_checkable
class ForSource(Protocol):
    """An optional extra: offered by a dialect that can read submissions by a source's table."""

    def for_source(self, source: Source, max_events: int, /) -> Decode | None:
        """
        Return how to decode the submissions of a source, or None if they are decoded like all others.

        It is used if the source's key is outside the body. It may raise whatever `decode` may, and
        BadSignature. `max_events` is the most that any source accepts at once.
        """
