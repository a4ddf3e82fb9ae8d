"""When an event happened, by a clock that is not ours."""

from typing import Any

import pytest

from gateway.intake.times import resolve_times
from gateway.message import DecodedSubmission, Message
from gateway.raw import timestamps
from gateway.submission import Submission

NOW = "2026-11-21T12:00:00.000Z"
EARLIER = "2026-11-21T11:00:00.000Z"


def settled(
    batch_timestamp: Any = None, batch_sent_at: Any = None, *, retried: bool = False, **times: Any
) -> Message:
    """A message with the given times, received at noon."""
    message = Message(**times)
    headers = {b"x-retry-count": b"1"} if retried else {}
    now = timestamps.read(NOW)
    submission = Submission("POST", "/v1/track", headers, b"", b"", "192.0.2.1", now, NOW)
    resolve_times(
        message, submission, DecodedSubmission([message], sent_at=batch_sent_at, timestamp=batch_timestamp)
    )
    return message


def test_without_any_time_it_is_that_of_receiving() -> None:
    message = settled()

    assert (message.timestamp, message.original_timestamp, message.sent_at) == (NOW, None, None)


@pytest.mark.parametrize(
    ("sent_at", "timestamp"),
    [
        ("2026-11-21T11:59:58.000Z", EARLIER),
        ("2026-11-21T11:59:57.999Z", "2026-11-21T11:00:02.001Z"),
        ("2026-11-21T12:00:02.000Z", EARLIER),
        ("2026-11-21T12:00:02.001Z", "2026-11-21T10:59:57.999Z"),
        ("2026-11-21T13:00:00.000Z", "2026-11-21T10:00:00.000Z"),
        ("2026-11-20T12:00:00.001Z", "2026-11-22T10:59:59.999Z"),
        ("2026-11-20T12:00:00.000Z", EARLIER),
        ("2026-11-22T12:00:00.000Z", EARLIER),
        ("2024-01-01T00:00:00.000Z", EARLIER),
    ],
    ids=[
        "2 s slow",
        "a little more",
        "2 s fast",
        "a little more fast",
        "an hour fast",
        "nearly a day slow",
        "a day slow",
        "a day fast",
        "years slow",
    ],
)
@pytest.mark.parametrize("spell", [str, timestamps.read], ids=["text", "number"])
def test_a_clock_that_is_off_is_corrected(sent_at: str, timestamp: str, spell: Any) -> None:
    message = settled(timestamp=spell(EARLIER), sent_at=spell(sent_at))

    assert (message.timestamp, message.original_timestamp) == (timestamp, EARLIER)
    assert message.sent_at == sent_at


def test_the_time_of_sending_may_stand_in_the_envelope() -> None:
    inherited = settled(timestamp=EARLIER, batch_sent_at="2026-11-21T11:59:00.000Z")
    own = settled(timestamp=EARLIER, batch_sent_at="2026-11-21T11:59:00.000Z", sent_at=NOW)

    assert (inherited.timestamp, inherited.sent_at) == (
        "2026-11-21T11:01:00.000Z",
        "2026-11-21T11:59:00.000Z",
    )
    assert (own.timestamp, own.sent_at) == (EARLIER, NOW)


def test_what_was_corrected_already_is_left() -> None:
    message = settled(
        timestamp=EARLIER, original_timestamp="2026-11-21T10:30:00Z", sent_at="2026-11-21T11:30:00.000Z"
    )

    assert (message.timestamp, message.original_timestamp) == (EARLIER, "2026-11-21T10:30:00.000Z")


def test_a_submission_that_was_sent_again_is_not_corrected() -> None:
    message = settled(timestamp=EARLIER, sent_at="2026-11-21T11:30:00.000Z", retried=True)

    assert message.timestamp == EARLIER


def test_the_only_time_may_be_the_original() -> None:
    message = settled(original_timestamp=EARLIER, sent_at="2026-11-21T11:30:00.000Z")

    assert (message.timestamp, message.original_timestamp) == ("2026-11-21T11:30:00.000Z", EARLIER)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, EARLIER),
        ({"sent_at": NOW}, EARLIER),
        ({"timestamp": ""}, EARLIER),
        ({"timestamp": NOW}, NOW),
        ({"original_timestamp": NOW}, NOW),
    ],
    ids=["none", "sentAt", "empty", "timestamp", "originalTimestamp"],
)
def test_the_time_of_the_envelope_is_for_messages_without(own: dict[str, Any], expected: str) -> None:
    message = settled(batch_timestamp=EARLIER, **own)

    assert message.timestamp == expected


def test_other_spellings_are_written_in_ours() -> None:
    message = settled(timestamp="2026-11-21T12:00:00+01:00", sent_at="2026-11-21T12:00:00.0001Z")

    assert (message.timestamp, message.original_timestamp, message.sent_at) == (EARLIER, EARLIER, NOW)


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ("soon", "unreadable_timestamp"),
        ("2026-02-30T00:00:00Z", "unreadable_timestamp"),
        ("2026-11-21T12:00:00+25:00", "unreadable_timestamp"),
        ("12026-11-21T12:00:00Z", "unreadable_timestamp"),
        ("0001-01-01T00:00:00Z", "timestamp_suspect"),
        (1795262400, "timestamp_suspect"),
        (-1, "timestamp_suspect"),
        (10**18, "unreadable_timestamp"),
        (1e300, "unreadable_timestamp"),
    ],
    ids=str,
)
def test_a_time_that_cannot_be_meant_is_noted_with_its_text(stated: Any, code: str) -> None:
    message = settled(timestamp=stated, sent_at="2026-11-21T11:30:00.000Z")

    assert (message.timestamp, message.original_timestamp) == (NOW, str(stated))
    assert [(warning.code, warning.field) for warning in message.warnings] == [(code, "timestamp")]


def test_an_original_time_that_cannot_be_read_is_kept_as_a_text() -> None:
    message = settled(timestamp=EARLIER, original_timestamp="soon")

    assert (message.timestamp, message.original_timestamp) == (EARLIER, "soon")
    assert [warning.field for warning in message.warnings] == ["originalTimestamp"]


def test_a_time_of_sending_that_cannot_be_read_corrects_nothing() -> None:
    message = settled(timestamp=EARLIER, sent_at="soon")

    assert (message.timestamp, message.sent_at) == (EARLIER, None)
    assert [(warning.field, warning.detail) for warning in message.warnings] == [("sentAt", "soon")]


def test_a_correction_past_the_calendar_is_left_out() -> None:
    message = settled(timestamp="9999-12-31T23:59:59.999Z", sent_at="2026-11-21T11:30:00.000Z")

    assert message.timestamp == "9999-12-31T23:59:59.999Z"
