"""Instants in all the ways that clients write them."""

import pytest

from gateway.raw import timestamps
from gateway.raw.timestamps import Suspect

NOON = 1795262400000  # 2026-11-21T12:00:00Z


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T12:00:00.000Z",
        "2026-11-21T12:00:00Z",
        "2026-11-21t12:00:00z",
        "2026-11-21 12:00:00",
        "2026-11-21T12:00",
        "20261121T120000Z",
        "2026-11-21T13:00:00+01:00",
        "2026-11-21T13:00:00+0100",
        "2026-11-21T13:00:00+01",
        "2026-11-21T06:30:00-05:30",
        "2026-11-21T12:00:00.0Z",
        "2026-11-21T12:00:00,000Z",
        "2026-11-21T12:00:00.000000Z",
        "2026-11-21T12:00:00.000999999Z",
        "2026-W47-6T12:00:00Z",
        "2026-11-21T11:59:60Z",
        " 2026-11-21T12:00:00Z ",
        "1795262400000",
        "1795262400000.5",
    ],
)
def test_a_text_is_read(text: str) -> None:
    assert timestamps.read(text) == NOON


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("2017-12-5T1:02:03z", "2017-12-05T01:02:03.000Z"),
        ("2026-11-21T24:00:00Z", "2026-11-22T00:00:00.000Z"),
        ("2026-11-21", "2026-11-21T00:00:00.000Z"),
        ("20261121", "2026-11-21T00:00:00.000Z"),
        ("2024-02-29T00:00:00.1239Z", "2024-02-29T00:00:00.123Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("1000-01-01T00:00:00Z", "1000-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ("1639044446636", "2021-12-09T10:07:26.636Z"),
    ],
)
def test_it_is_written_in_our_format(text: str, ours: str) -> None:
    assert timestamps.write(timestamps.read(text)) == ours


@pytest.mark.parametrize("number", [NOON, float(NOON), NOON + 0.9], ids=["integer", "decimal", "fraction"])
def test_a_number_is_milliseconds(number: float) -> None:
    assert timestamps.read(number) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-21T25:00:00Z",
        "2026-11-21T24:00:01Z",
        "2026-11-21T12:60:00Z",
        "2026-11-21T12:00:61Z",
        "2026-11-21T12:00:00+25:00",
        "10000-01-01T00:00:00Z",
        "٢٠٢٦-11-21T12:00:00Z",
        "1e12",
        "9" * 400,
    ],
    ids=repr,
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011, whatever it says is ours to translate
        timestamps.read(text)


@pytest.mark.parametrize(
    "value", [0, -1, 1795262400, 1795262400.5, "0001-01-01T00:00:00Z", "0999-12-31T00:00:00Z", "1795262400"]
)
def test_what_cannot_be_meant_is_suspect(value: str | float) -> None:
    with pytest.raises(Suspect):
        timestamps.read(value)


@pytest.mark.parametrize("number", [10**18, 10**30, 1e300], ids=str)
def test_no_number_past_the_calendar_is_an_instant(number: float) -> None:
    with pytest.raises(ValueError, match="no date"):
        timestamps.read(number)


@pytest.mark.parametrize("milliseconds", [NOON, NOON + 7, 0, -1, -62_000_000_000_000])
def test_our_format_is_read_as_it_was_written(milliseconds: int) -> None:
    text = timestamps.write(milliseconds)

    expected = milliseconds if milliseconds > -30_610_224_000_000 else None
    assert timestamps.read_ours(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T12:00:00Z",
        "2026-02-30T12:00:00.000Z",
        "2026-11-21 12:00:00.000Z",
        "2026-11-21T12:00:00.000z",
        "",
    ],
)
def test_other_texts_are_not_in_our_format(text: str) -> None:
    assert timestamps.read_ours(text) is None
