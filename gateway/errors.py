"""
Everything that can go wrong on purpose:

* GatewayError
  + ConfigError              refuse to start: one line per mistake, exit 2
  + Refusal                  the client's fault; for a whole submission, or for one event in it
    - UnknownWriteKey        400
    - SourceDisabled         400
    - OriginNotAllowed       400
    - BadSignature           400
    - UnreadableBody         400
    - BodyTooLarge           413
    - EventTooLarge          413
    - EmptyBatch             400
    - TooManyEvents          400
    - NotAnObject            400
    - MissingType            400
    - UnknownType            400
    - MissingId              400
    - MissingEvent           400
    - MissingGroupId         400
    - MissingPreviousId      400
    - InvalidField           400
    - MessageIdTooLong       400
    - TryLater               nothing is acknowledged; with Retry-After
      . RateLimited          429
      . Overloaded           503
      . JournalUnavailable   503
  + SinkError                the sink did not take a batch
    - SinkUnavailable        it may take the same batch later
    - SinkMisconfigured      it will take no batch until an operator acts
      . SinkHeld             nothing is tried until an operator resumes it
    - SinkRefused            it will never take some events of the batch, which become dead letters
  + StateUnavailable         the state of delivery cannot be read or written now; it is tried again
    - StateLost              the file was removed or replaced: the process ends and is restarted
    - LeaseLost              another process delivers these events
"""

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import ClassVar, NamedTuple


class GatewayError(Exception):
    """The root of every error the gateway raises by design."""


class ConfigError(GatewayError):
    """The configuration is wrong, or the machine cannot satisfy it; `mistakes` has a line for each."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Refusal(GatewayError):
    """
    Something a client sent was not stored.

    `code` is the same word in answers, metrics, logs and the inspector; `message` is for people;
    `details` says what is wrong and where, and never repeats a write key.
    """

    code: ClassVar[str]
    status: ClassVar[int] = 400
    message: ClassVar[str]
    events: int = 1
    """Number of events not stored because of it, if a whole submission was refused."""

    def __init__(self, details: str = "") -> None:
        super().__init__(details or self.message)
        self.details = details

    def concerning(self, events: int) -> "Refusal":
        """Return the same refusal, for this many events."""
        same = type(self).__new__(type(self))
        same.args = self.args
        same.__dict__.update(self.__dict__, events=events)
        return same

    @property
    def reason(self) -> str:
        """The reason phrase of the status; for 413, the one in MetaRouter's documentation."""
        return _REASONS.get(self.status) or HTTPStatus(self.status).phrase


# RFC 9110 renamed 413 to "Content Too Large"; MetaRouter's clients were shown the older phrase.
_REASONS = {413: "Request Entity Too Large"}


class UnknownWriteKey(Refusal):
    code, message = "unknown_write_key", "Invalid or missing writekey"


class SourceDisabled(Refusal):
    code, message = "source_disabled", "The source of this writekey is disabled"


class OriginNotAllowed(Refusal):
    code, message = "origin_not_allowed", "The source does not accept events from this origin"


class BadSignature(Refusal):
    code, message = "bad_signature", "The webhook's signature is missing, wrong or too old"


class UnreadableBody(Refusal):
    code, message = "unreadable_body", "The request body is not valid JSON"


class BodyTooLarge(Refusal):
    status = 413
    code, message = "body_too_large", "Error reading request body"

    def __init__(self, details: str = "HTTP request too large") -> None:
        super().__init__(details)


class EventTooLarge(Refusal):
    status = 413
    code, message = "event_too_large", "The event is too large"


class EmptyBatch(Refusal):
    events = 0
    code, message = "empty_batch", "The batch holds no events"


class TooManyEvents(Refusal):
    code, message = "too_many_events", "The batch holds too many events"

    def __init__(self, events: int, most: int) -> None:
        super().__init__(f"{events} events; the limit is {most}")
        self.events = events


class NotAnObject(Refusal):
    code, message = "not_an_object", "An event must be a JSON object"


class MissingType(Refusal):
    code, message = "missing_type", "The event has no type"


class UnknownType(Refusal):
    code, message = "unknown_type", "The event's type is not one of the six"


class MissingId(Refusal):
    code, message = "missing_id", "The event needs a userId or an anonymousId"


class MissingEvent(Refusal):
    code, message = "missing_event", "A track event needs an event name"


class MissingGroupId(Refusal):
    code, message = "missing_group_id", "A group event needs a groupId"


class MissingPreviousId(Refusal):
    code, message = "missing_previous_id", "An alias event needs a previousId"


class InvalidField(Refusal):
    code, message = "invalid_field", "A field has a value of the wrong kind"

    def __init__(self, problem: str = "", *, field: str = "") -> None:
        super().__init__(f"$.{field}: {problem}" if field else problem)
        self.problem = problem
        self.field = field
        """The field of the event, if one is to blame; `details` then begins with it."""


class MessageIdTooLong(Refusal):
    code, message = "message_id_too_long", "The messageId is longer than 100 characters"


class TryLater(Refusal):
    """Nothing was acknowledged; the client may send the same submission again."""

    status = 503
    retry_after: int = 1
    """Seconds."""


class RateLimited(TryLater):
    status = 429
    code, message = "rate_limited", "The source sends more than its rate, please retry"

    def __init__(self, source: str, events: int, retry_after: int) -> None:
        super().__init__()
        self.source = source
        self.events = events
        self.retry_after = retry_after


class Overloaded(TryLater):
    code, message = "overloaded", "The gateway is overloaded, please retry"


class JournalUnavailable(TryLater):
    code, message = "journal_unavailable", "The gateway cannot store events now, please retry"


class Culprit(NamedTuple):
    """The reason why one event of a batch will never be accepted."""

    message: str
    """One line for operators."""
    code: str = "refused"
    """One word for filters and metrics."""
    answer: str = ""
    """The target's own words."""


class SinkError(GatewayError):
    """
    A sink did not take all or part of a batch.

    `answer` is what the target said. `delivered` holds the indexes of the batch's events that the target has
    nevertheless; only a sink that can tell each event from the others may name any.
    """

    def __init__(self, message: str, *, answer: str = "", delivered: Collection[int] = ()) -> None:
        super().__init__(message)
        self.answer = answer
        self.delivered = delivered


class SinkUnavailable(SinkError):
    """
    The sink did not take a batch now, and may take the same batch later: network, timeout, overload, lock.

    `retry_after` is the number of seconds the target asked for, if it did.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        answer: str = "",
        delivered: Collection[int] = (),
    ) -> None:
        super().__init__(message, answer=answer, delivered=delivered)
        self.retry_after = retry_after


class SinkMisconfigured(SinkError):
    """The sink takes no batch until an operator acts; no event is to blame, so none becomes a dead letter."""


class SinkHeld(SinkMisconfigured):
    """So many events were refused that the target must be to blame; an operator must resume the sink."""


class SinkRefused(SinkError):
    """
    The target will never take one or more events of the batch.

    `culprits` names them by their index in the batch. If the target does not name any, it is empty, `code` is
    for the event that will be found by halving the batch, and no event of the batch was delivered.
    """

    def __init__(
        self,
        message: str,
        culprits: Mapping[int, Culprit] | None = None,
        *,
        code: str = "refused",
        answer: str = "",
        delivered: Collection[int] = (),
    ) -> None:
        super().__init__(message, answer=answer, delivered=delivered)
        self.culprits = culprits or {}
        self.code = code


class StateUnavailable(GatewayError):
    """The state cannot be read or written now; the operation had no effect."""


class StateLost(StateUnavailable):
    """The file of the state was removed or replaced; a process that has it open must reopen it."""


class LeaseLost(StateUnavailable):
    """Another process has recorded, or may record, progress here; nothing was written."""


def codes() -> tuple[str, ...]:
    """Return all codes, for metrics and documentation."""

    def below(parent: type[Refusal]) -> list[str]:
        own = [parent.code] if hasattr(parent, "code") else []
        return own + [code for child in parent.__subclasses__() for code in below(child)]

    return tuple(below(Refusal))
