"""Shared by the sinks that send events in a dialect of the intake, perhaps to another gateway."""

from collections.abc import Callable

import structlog

from gateway import errors
from gateway.errors import (
    BadSignature,
    Culprit,
    EventTooLarge,
    OriginNotAllowed,
    Refusal,
    SinkMisconfigured,
    SinkRefused,
    SourceDisabled,
    UnknownWriteKey,
)
from gateway.sinks.base import Batch
from gateway.sinks.http_client.answers import Answer

log = structlog.get_logger()

_CODES = frozenset(errors.codes())
_OPERATOR = {each.code for each in (UnknownWriteKey, SourceDisabled, OriginNotAllowed, BadSignature)}


def translate(batch: Batch, write: Callable[[bytes], bytes], max_bytes: int) -> bytes:
    """
    Return `{"batch": [...]}` with each event as `write` translates it.

    Raises SinkRefused, with a culprit for each event for which `write` raises any exception, such as a
    Refusal, or whose message has more than `max_bytes`.
    """
    messages: list[bytes] = []
    culprits: dict[int, Culprit] = {}
    bug: Exception | None = None
    for index, line in enumerate(batch.lines):
        try:
            message = write(line)
            if len(message) > max_bytes:
                raise EventTooLarge(f"{len(message)} bytes; the limit is {max_bytes}")
            messages.append(message)
        except Refusal as refusal:
            culprits[index] = Culprit(str(refusal), refusal.code)
        except Exception as error:  # no event may stop a sink
            bug = bug or error
            culprits[index] = Culprit("the event could not be translated", "internal_error")
    if bug:
        log.error("events could not be translated", sink=batch.sink, batch=batch.id, exc_info=bug)
    if culprits:
        raise SinkRefused(culprits[min(culprits)].message, culprits)
    return b'{"batch":[%b]}' % b",".join(messages)


def check_key(answer: Answer, code: str) -> None:
    """Raise SinkMisconfigured if another gateway's code means that it accepts nothing from this sender."""
    if code in _OPERATOR:
        raise SinkMisconfigured(f"{answer.line}: {code}", answer=answer.words)


def known(code: str) -> str:
    """Return another gateway's code if it is one of ours; others must not be able to make metrics grow."""
    return code if code in _CODES else "refused"
