"""When an event happened, by a clock that is not ours."""

from functools import lru_cache

from gateway.message import DecodedSubmission, Message, Time, WarningCode
from gateway.raw import timestamps
from gateway.submission import Submission

# A client's clock is corrected when it is off by more than the way could take, and by less than a file
# of old events or a forgotten queue would be. Milliseconds.
_LEAST_SKEW = 2_000
_MOST_SKEW = 24 * 60 * 60 * 1000


def resolve_times(message: Message, submission: Submission, decoded: DecodedSubmission) -> None:
    """
    Set `timestamp`, `originalTimestamp` and `sentAt`, all in our format where they can be read.

    The time is the client's, corrected by how far its clock was off when it sent; as sent if somebody
    before us has corrected it already (then both came); and the time of receiving where there is none.
    """
    skew = 0
    claimed = decoded.sent_at if message.sent_at is None else message.sent_at
    if claimed is not None:
        try:
            sent, message.sent_at = _read_once(claimed)
            skew = submission.received_at - sent
        except ValueError:
            message.sent_at = None
            if claimed != "":
                message.warn("unreadable_timestamp", "sentAt", str(claimed))
    stated = message.timestamp
    if isinstance(stated, str) and message.original_timestamp is None:
        instant = timestamps.read_ours(stated)
        if instant is not None:  # as nearly always
            message.original_timestamp = stated
            if skew > _LEAST_SKEW or skew < -_LEAST_SKEW:
                message.timestamp = _correct(instant, skew, submission) or stated
            return
    _resolve_times_slowly(message, submission, decoded, skew)


def _correct(instant: int, skew: int, submission: Submission) -> str | None:
    """The instant by our clock; None if it must not or cannot be corrected."""
    if not _LEAST_SKEW < abs(skew) < _MOST_SKEW or b"x-retry-count" in submission.headers:
        return None
    try:
        return timestamps.write(instant + skew)
    except ValueError:  # it would lie after the year 9999
        return None


def _resolve_times_slowly(
    message: Message, submission: Submission, decoded: DecodedSubmission, skew: int
) -> None:
    """Whatever is not one time in our own format."""
    stated, original = message.timestamp, message.original_timestamp
    if stated is None or stated == "":
        stated, original = original, None
    if stated is None or stated == "":
        stated = decoded.timestamp
    if stated is None or stated == "":
        message.timestamp, message.original_timestamp = submission.received_text, None
        return
    try:
        instant, text = _read(stated)
    except ValueError as error:
        message.warn(_code(error), "timestamp", str(stated))
        message.timestamp = submission.received_text
        message.original_timestamp = _write(message, original) or str(stated)
        return
    message.timestamp = message.original_timestamp = text
    if original:
        message.original_timestamp = _write(message, original)
    else:
        message.timestamp = _correct(instant, skew, submission) or text


def _read(value: str | int | float) -> tuple[int, str]:
    """An instant in milliseconds and in our format; ValueError if there is none or it cannot be meant."""
    if isinstance(value, str):
        instant = timestamps.read_ours(value)
        if instant is not None:
            return instant, value
    instant = timestamps.read(value)
    return instant, timestamps.write(instant)


# All messages of a batch mostly have one and the same sentAt: 0.1 µs instead of 0.5.
_read_once = lru_cache(64)(_read)


def _write(message: Message, original: Time) -> str | None:
    """What the client said, in our format if that can be read, else in its own words."""
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
