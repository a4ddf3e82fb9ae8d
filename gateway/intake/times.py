"""Decide when an event happened, from the client's clock and ours."""

from functools import lru_cache

from gateway.message import DecodedSubmission, Message, Time
from gateway.raw import timestamps
from gateway.submission import Submission
from gateway.warnings import WarningCode

_DAY_MS = 24 * 60 * 60 * 1000
# A smaller difference may be the duration of the request.
_MIN_SKEW_MS = 2_000
# After a longer one, the event may have waited in a queue or a file, and the clock may be right.
_MAX_DELAY_MS = _DAY_MS
# 1990-01-01: there were no events to collect before. Nor can they come from the future, except for a day that
# allows for local times without an offset. Other times are in other units, or in another calendar.
_EARLIEST_MS = 631_152_000_000
_MAX_AHEAD_MS = _DAY_MS


def resolve_times(message: Message, submission: Submission, decoded: DecodedSubmission) -> None:
    """
    Set `timestamp`, `originalTimestamp` and `sentAt`, in our format wherever they can be read.

    `timestamp` is the client's time, corrected by how far its clock was off when it sent; as it came if
    `originalTimestamp` came too, since another gateway has corrected it already; and the time of receipt if
    there is none, or none between 1990 and a day after receipt. What cannot be read or believed leaves a
    warning, and `originalTimestamp` keeps its text.
    """
    skew = 0
    claimed = decoded.sent_at if message.sent_at is None else message.sent_at
    if claimed is not None:
        try:
            sent, message.sent_at = _read_once(claimed)
            skew = submission.received_at - sent
        except ValueError as error:
            message.sent_at = None
            if claimed != "":
                message.warn(_code(error), "sentAt", str(claimed))
    stated = message.timestamp
    if isinstance(stated, str) and message.original_timestamp is None:
        instant = timestamps.read_ours(stated)
        if instant is not None:  # nearly always
            right = instant
            if skew > _MIN_SKEW_MS or skew < -_MIN_SKEW_MS:
                right = _correct(instant, skew, submission)
            if _EARLIEST_MS <= right <= submission.received_at + _MAX_AHEAD_MS:
                message.original_timestamp = stated
                if right != instant:
                    message.timestamp = timestamps.write(right)
                return
    _resolve_times_slowly(message, submission, decoded, skew)


def _correct(instant: int, skew: int, submission: Submission) -> int:
    """Return an instant corrected by the skew, unless that may be the delay of a queue or of a retry."""
    if skew >= _MAX_DELAY_MS or abs(skew) <= _MIN_SKEW_MS:
        return instant
    return instant if b"x-retry-count" in submission.headers else instant + skew


def _resolve_times_slowly(
    message: Message, submission: Submission, decoded: DecodedSubmission, skew: int
) -> None:
    """Handle times that are missing, doubtful, already corrected, or not in our format."""
    stated, original = message.timestamp, message.original_timestamp
    if stated is None or stated == "":
        stated, original = original, None
    if stated is None or stated == "":
        stated = decoded.timestamp
    if stated is None or stated == "":
        message.timestamp, message.original_timestamp = submission.received_text, None
        return
    try:
        instant = timestamps.read(stated)
        right = instant if original else _correct(instant, skew, submission)
        if not _EARLIEST_MS <= right <= submission.received_at + _MAX_AHEAD_MS:
            raise timestamps.Suspect(stated)
    except ValueError as error:
        message.warn(_code(error), "timestamp", str(stated))
        message.timestamp = submission.received_text
        message.original_timestamp = _write(message, original) or str(stated)
        return
    text = timestamps.write(instant)
    message.timestamp = text if right == instant else timestamps.write(right)
    message.original_timestamp = _write(message, original) or text


def _read(value: str | int | float) -> tuple[int, str]:
    """Return an instant in milliseconds and in our format. Raises what timestamps.read raises."""
    if isinstance(value, str):
        instant = timestamps.read_ours(value)
        if instant is not None:
            return instant, value
    instant = timestamps.read(value)
    return instant, timestamps.write(instant)


# The messages of a batch usually share one sentAt: 0.1 µs instead of 0.5.
_read_once = lru_cache(64)(_read)


def _write(message: Message, original: Time) -> str | None:
    """Return the client's time, in our format if it can be read; None if there is none."""
    if not original:
        return None
    try:
        return _read(original)[1]
    except ValueError as error:
        message.warn(_code(error), "originalTimestamp", str(original))
        return str(original)


def _code(error: ValueError) -> WarningCode:
    suspect = isinstance(error, timestamps.Suspect)
    return "timestamp_suspect" if suspect else "unreadable_timestamp"
