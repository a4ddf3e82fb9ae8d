"""The times of an event, by a clock that is not ours."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.intake.times import resolve_times
from gateway.message import DecodedSubmission, Message
from gateway.raw import timestamps
from gateway.submission import Submission
from tests.build import Door, track

NOW = "2026-11-21T12:00:00.000Z"
EARLIER = "2026-11-21T11:00:00.000Z"


def resolved(
    batch_timestamp: Any = None, batch_sent_at: Any = None, *, retried: bool = False, **times: Any
) -> Message:
    """A message with the given times, received at noon, after its times are resolved."""
    message = Message(**times)
    headers = {b"x-retry-count": b"1"} if retried else {}
    now = timestamps.read(NOW)
    submission = Submission("POST", "/v1/track", headers, b"", b"", "192.0.2.1", now, NOW)
    decoded = DecodedSubmission([message], sent_at=batch_sent_at, timestamp=batch_timestamp)
    resolve_times(message, submission, decoded)
    return message


def test_without_any_time_it_is_that_of_receiving() -> None:
    message = resolved()

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
        ("2024-01-01T00:00:00.000Z", EARLIER),
        ("2026-11-22T12:00:00.000Z", "2026-11-20T11:00:00.000Z"),
        ("2027-11-21T12:00:00.000Z", "2025-11-21T11:00:00.000Z"),
    ],
    ids=[
        "2 s slow",
        "a little more",
        "2 s fast",
        "a little more fast",
        "an hour fast",
        "nearly a day slow",
        "a day slow",
        "years slow",
        "a day fast",
        "a year fast",
    ],
)
@pytest.mark.parametrize("spell", [str, timestamps.read], ids=["text", "number"])
def test_a_clock_that_is_off_is_corrected(sent_at: str, timestamp: str, spell: Any) -> None:
    message = resolved(timestamp=spell(EARLIER), sent_at=spell(sent_at))

    assert (message.timestamp, message.original_timestamp) == (timestamp, EARLIER)
    assert message.sent_at == sent_at


def test_the_time_of_sending_may_stand_in_the_envelope() -> None:
    inherited = resolved(timestamp=EARLIER, batch_sent_at="2026-11-21T11:59:00.000Z")
    own = resolved(timestamp=EARLIER, batch_sent_at="2026-11-21T11:59:00.000Z", sent_at=NOW)

    assert (inherited.timestamp, inherited.sent_at) == (
        "2026-11-21T11:01:00.000Z",
        "2026-11-21T11:59:00.000Z",
    )
    assert (own.timestamp, own.sent_at) == (EARLIER, NOW)


def test_what_was_corrected_already_is_left() -> None:
    message = resolved(
        timestamp=EARLIER, original_timestamp="2026-11-21T10:30:00Z", sent_at="2026-11-21T11:30:00.000Z"
    )

    assert (message.timestamp, message.original_timestamp) == (EARLIER, "2026-11-21T10:30:00.000Z")


def test_a_submission_that_was_sent_again_is_not_corrected() -> None:
    message = resolved(timestamp=EARLIER, sent_at="2026-11-21T11:30:00.000Z", retried=True)

    assert message.timestamp == EARLIER


def test_the_only_time_may_be_the_original() -> None:
    message = resolved(original_timestamp=EARLIER, sent_at="2026-11-21T11:30:00.000Z")

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
    message = resolved(batch_timestamp=EARLIER, **own)

    assert message.timestamp == expected


def test_other_spellings_are_written_in_ours() -> None:
    message = resolved(timestamp="2026-11-21T12:00:00+01:00", sent_at="2026-11-21T12:00:00.0001Z")

    assert (message.timestamp, message.original_timestamp, message.sent_at) == (EARLIER, EARLIER, NOW)


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ("soon", "unreadable_timestamp"),
        ("2026-02-30T00:00:00Z", "unreadable_timestamp"),
        ("2026-11-21T12:00:00+25:00", "unreadable_timestamp"),
        ("12026-11-21T12:00:00Z", "unreadable_timestamp"),
        ("2026-11-21-05:00", "unreadable_timestamp"),
        ("11/21/2026 11:00:00 AM", "unreadable_timestamp"),
        ("0000-00-00 00:00:00", "unreadable_timestamp"),
        ("0001-01-01T00:00:00Z", "timestamp_suspect"),
        (1795262400, "timestamp_suspect"),
        (1795262400.123, "timestamp_suspect"),
        (46347.5, "timestamp_suspect"),
        (0, "timestamp_suspect"),
        (-1, "timestamp_suspect"),
        (20261125033000, "timestamp_suspect"),
        ("20261125033000", "timestamp_suspect"),
        (202611250330, "timestamp_suspect"),
        ("202611250330", "timestamp_suspect"),
        (20261121, "timestamp_suspect"),
        ("1970-01-01T00:05:00.000Z", "timestamp_suspect"),
        ("1405-08-30T11:00:00.000Z", "timestamp_suspect"),
        ("2569-11-21T11:00:00.000Z", "timestamp_suspect"),
        ("0008-11-21T11:00:00.000Z", "timestamp_suspect"),
        ("5787-03-11T11:00:00+02:00", "timestamp_suspect"),
        ("9999-12-31T23:59:59.999Z", "timestamp_suspect"),
        (1795262400000000, "unreadable_timestamp"),
        (10**18, "unreadable_timestamp"),
        (1e300, "unreadable_timestamp"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("sent_at", [None, NOW, "2026-11-21T11:30:00.000Z"], ids=["unsent", "sent", "slow"])
def test_a_time_that_cannot_be_meant_is_noted_with_its_text(
    stated: Any, code: str, sent_at: str | None
) -> None:
    message = resolved(timestamp=stated, sent_at=sent_at)

    assert (message.timestamp, message.original_timestamp) == (NOW, str(stated))
    assert [(warning.code, warning.field) for warning in message.warnings] == [(code, "timestamp")]


def test_an_original_time_that_cannot_be_read_is_kept_as_a_text() -> None:
    message = resolved(timestamp=EARLIER, original_timestamp="soon")

    assert (message.timestamp, message.original_timestamp) == (EARLIER, "soon")
    assert [warning.field for warning in message.warnings] == ["originalTimestamp"]


def test_a_time_of_sending_that_cannot_be_read_corrects_nothing() -> None:
    message = resolved(timestamp=EARLIER, sent_at="soon")

    assert (message.timestamp, message.sent_at) == (EARLIER, None)
    assert [(warning.field, warning.detail) for warning in message.warnings] == [("sentAt", "soon")]


@pytest.mark.parametrize(
    "stated",
    [
        "2026-11-21T11:00:00.000:Z",
        "2026-11-21 11:00:00 UTC",
        "2026-11-21 12:00:00 +0100 CET m=+0.01",
        "2026-11-21T12:00:00+01:00[Europe/Paris]",
        "2026-325T11:00:00Z",
        "Sat Nov 21 2026 12:00:00 GMT+0100 (Central European Standard Time)",
        "Sat, 21 Nov 2026 11:00:00 GMT",
        "2026-11-21T12:00:00 01:00",
    ],
)
def test_the_forms_of_other_languages_are_read(stated: str) -> None:
    message = resolved(timestamp=stated, sent_at="2026-11-21T12:00:00.000:Z")

    assert (message.timestamp, message.original_timestamp, message.sent_at) == (EARLIER, EARLIER, NOW)
    assert message.warnings == []


@pytest.mark.parametrize(
    ("stated", "sent_at"),
    [
        ("1990-01-01T00:00:00.000Z", None),
        ("2026-11-22T12:00:00.000Z", None),
        ("2026-11-22T12:00:00.000Z", NOW),
    ],
    ids=["the first moment", "a day ahead", "a day ahead by a clock that is right"],
)
@pytest.mark.parametrize("spell", [str, timestamps.read], ids=["text", "number"])
def test_what_lies_between_1990_and_tomorrow_is_believed(
    stated: str, sent_at: str | None, spell: Any
) -> None:
    message = resolved(timestamp=spell(stated), sent_at=sent_at)

    assert (message.timestamp, message.original_timestamp, message.warnings) == (stated, stated, [])


@pytest.mark.parametrize("original", [None, "2026-11-21T10:30:00.000Z"], ids=["alone", "corrected already"])
@pytest.mark.parametrize("stated", ["1989-12-31T23:59:59.999Z", "2026-11-22T12:00:00.001Z", 20261125033000])
def test_what_lies_outside_is_replaced_with_the_time_of_receipt(stated: Any, original: str | None) -> None:
    message = resolved(timestamp=stated, original_timestamp=original)

    assert (message.timestamp, message.original_timestamp) == (NOW, original or str(stated))
    assert [warning.code for warning in message.warnings] == ["timestamp_suspect"]


@pytest.mark.parametrize("year", ["2027", "2569", "9999"])
def test_a_clock_ahead_is_corrected_before_it_is_doubted(year: str) -> None:
    message = resolved(timestamp=f"{year}-11-21T11:00:00.000Z", sent_at=f"{year}-11-21T12:00:00.000Z")

    assert (message.timestamp, message.original_timestamp) == (EARLIER, f"{year}-11-21T11:00:00.000Z")
    assert message.warnings == []


def test_a_correction_that_leads_before_1990_is_not_believed() -> None:
    message = resolved(timestamp=EARLIER, sent_at="2612-01-16T20:03:53.000Z")

    assert (message.timestamp, message.original_timestamp) == (NOW, EARLIER)
    assert [warning.code for warning in message.warnings] == ["timestamp_suspect"]


def test_a_time_of_sending_in_seconds_is_suspect() -> None:
    message = resolved(timestamp=EARLIER, sent_at=1795262400)

    assert (message.timestamp, message.sent_at) == (EARLIER, None)
    assert [(warning.code, warning.field) for warning in message.warnings] == [
        ("timestamp_suspect", "sentAt")
    ]


def test_the_offset_survives_a_query() -> None:
    door = Door()

    door.request("GET", "/v1/pixel/track?writeKey=dev&userId=u&event=E&timestamp=2026-11-21T12:00:00+01:00")

    assert door.event["timestamp"] == EARLIER


@pytest.mark.parametrize("timestamp", [20261125033000, "202611250330", "2026-11-25 03:00 Uhr"])
def test_the_event_says_what_was_not_believed(timestamp: Any) -> None:
    door = Door()

    door.post("/v1/track", track(timestamp=timestamp))

    assert door.event["timestamp"] == door.event["receivedAt"]
    assert door.event["originalTimestamp"] == str(timestamp)
    assert [warning["detail"] for warning in door.event["warnings"]] == [str(timestamp)]


DAY_MS = 24 * 60 * 60 * 1000
ANY_TIME = (
    st.text(max_size=40)
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False)
    | st.integers(-62_135_596_800_000, 253_402_300_799_999).map(timestamps.write)
    | st.sampled_from([None, "", NOW, "2026-11-21T12:00:00+14:00"])
)


@settings(max_examples=150)
@given(ANY_TIME, ANY_TIME, ANY_TIME, ANY_TIME, st.booleans())
def test_no_time_is_believed_in_silence(
    stated: Any, original: Any, sent_at: Any, outer: Any, retried: bool
) -> None:
    message = resolved(outer, retried=retried, timestamp=stated, original_timestamp=original, sent_at=sent_at)

    instant = timestamps.read_ours(str(message.timestamp))
    received = timestamps.read(NOW)
    told = "timestamp" in [warning.field for warning in message.warnings]
    said = any(value not in {None, ""} for value in (stated, original, outer))
    assert instant is not None
    assert timestamps.read("1990-01-01") <= instant <= received + DAY_MS
    assert message.sent_at is None or timestamps.read_ours(str(message.sent_at)) is not None
    assert instant == received or not told
    assert (message.original_timestamp is not None) == said
    assert message.warnings or not said or timestamps.read_ours(str(message.original_timestamp)) is not None
