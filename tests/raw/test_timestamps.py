"""Instants in all the ways that clients write them."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.raw import timestamps
from gateway.raw.timestamps import Suspect

NOON = 1795262400000  # 2026-11-21T12:00:00Z, a Saturday


def digits(text: str, zero: int) -> str:
    """Write a text with the digits of another script, whose zero has the given code point."""
    return text.translate({ord(str(digit)): zero + digit for digit in range(10)})


ARABIC, PERSIAN, TIBETAN, WIDE = 0x0660, 0x06F0, 0x0F20, 0xFF10

NOONS = {
    "our format": "2026-11-21T12:00:00.000Z",
    "no fraction": "2026-11-21T12:00:00Z",
    "small letters": "2026-11-21t12:00:00z",
    "SQL": "2026-11-21 12:00:00",
    "no seconds": "2026-11-21T12:00",
    "no minutes": "2026-11-21T12Z",
    "basic": "20261121T120000Z",
    "basic with an offset": "20261121T130000.000+0100",
    "an offset": "2026-11-21T13:00:00+01:00",
    "an offset without a colon": "2026-11-21T13:00:00+0100",
    "PostgreSQL": "2026-11-21 13:00:00+01",
    "PostgreSQL in India": "2026-11-21 17:30:00.000000+05:30",
    "a negative offset": "2026-11-21T06:30:00-05:30",
    "an offset of minus nothing": "2026-11-21T12:00:00-00:00",
    "a minus sign": "2026-11-21T07:00:00\u221205:00",
    "one digit of fraction": "2026-11-21T12:00:00.0Z",
    "a comma": "2026-11-21T12:00:00,000Z",
    "Python": "2026-11-21T12:00:00.000000+00:00",
    ".NET": "2026-11-21T12:00:00.0000000Z",
    "SQL Server": "2026-11-21 13:00:00.0000000 +01:00",
    "nanoseconds": "2026-11-21T12:00:00.000999999Z",
    "a leap second": "2026-11-21T11:59:60Z",
    "white space": " 2026-11-21T12:00:00Z\n",
    "slashes": "2026/11/21 12:00:00",
    "a comma between date and time": "2026-11-21, 12:00:00 p.m.",
    "a day of the week": "2026-W47-6T12:00:00Z",
    "a basic day of the week": "2026W476T120000Z",
    "a day of the week in words": "2026-W47-6 12:00:00 UTC",
    "a day of the year": "2026-325T12:00:00Z",
    "a day of the year and an offset": "2026-325T13:00:00.000+01:00",
    "a basic day of the year": "2026325T120000Z",
    "analytics-swift": "2026-11-21T12:00:00.000:Z",
    "a colon before an offset": "2026-11-21T13:00:00.000:+0100",
    "a colon before a fraction": "2026-11-21T12:00:00:000Z",
    "a colon without a fraction": "2026-11-21T12:00:00:Z",
    "Ruby": "2026-11-21 12:00:00 UTC",
    "Ruby elsewhere": "2026-11-21 13:00:00 +0100",
    "Swift": "2026-11-21 12:00:00 +0000",
    "GMT": "2026-11-21 12:00:00 GMT",
    "Go": "2026-11-21 12:00:00 +0000 UTC",
    "Go with all": "2026-11-21 13:00:00.000999999 +0100 CET m=+0.000012345",
    "Go without a name": "2026-11-21 15:00:00 +0300 +03",
    "Go in Kathmandu": "2026-11-21 17:45:00 +0545 +0545",
    "Java": "2026-11-21T12:00:00Z[UTC]",
    "Java without seconds": "2026-11-21T12:00Z[UTC]",
    "Java in Paris": "2026-11-21T13:00:00.000999999+01:00[Europe/Paris]",
    "JavaScript's Temporal": "2026-11-21T13:00:00+01:00[Europe/Paris][u-ca=hebrew]",
    "Java's Date": "Sat Nov 21 12:00:00 UTC 2026",
    "Java's Date in a zone of its own": "Sat Nov 21 13:00:00 GMT+01:00 2026",
    "C": "Sat Nov 21 12:00:00 2026",
    "Twitter": "Sat Nov 21 13:00:00 +0100 2026",
    "iOS with 12 hours": "2026-11-21T12:00:00 PMZ",
    "iOS with 12 hours and an offset": "2026-11-21T1:00:00 pm+0100",
    "iOS with 12 hours and a fraction": "2026-11-21T12:00:00.000 PMZ",
    "Spanish": "2026-11-21 12:00:00 p. m.",
    "Node 20": "Nov 21, 2026, 12:00:00\u202fPM",
    "Gson": "Nov 21, 2026 12:00:00 PM",
    "words": "November 21, 2026, 5:30:00 PM GMT+5:30",
    "a short offset": "Nov 21, 2026, 1:00:00 PM GMT+1",
    "RFC 2822": "Sat, 21 Nov 2026 13:00:00 +0100",
    "RFC 2822 with a comment": "Sat, 21 Nov 2026 12:00:00 +0000 (UTC)",
    "RFC 2822 at its shortest": "21 Nov 2026 07:00 -0500",
    "HTTP": "Sat, 21 Nov 2026 12:00:00 GMT",
    "a cookie": "Saturday, 21-Nov-2026 12:00:00 UTC",
    "JavaScript": "Sat Nov 21 2026 13:00:00 GMT+0100 (Central European Standard Time)",
    "JavaScript in French": "Sat Nov 21 2026 13:00:00 GMT+0100 (heure normale d\u2019Europe centrale)",
    "JavaScript in India": "Sat Nov 21 2026 17:30:00 GMT+0530",
    "Arabic digits": digits("2026-11-21T12:00:00Z", ARABIC),
    "Tibetan digits and an offset": digits("2026-11-21T20:00:00+0800", TIBETAN),
    "wide digits": digits("2026-11-21 12:00:00", WIDE),
    "a number in Persian digits": digits("1795262400000", PERSIAN),
    "marks of direction": "\u200e2026\u200e-\u200e11\u200e-\u200e21 12:00:00",
    "a plus from a query": "2026-11-21T13:00:00 01:00",
    "a plus from a query without a colon": "2026-11-21T13:00:00.000 0100",
    "PostgreSQL from a query": "2026-11-21 13:00:00 01",
    "Go from a query": "2026-11-21 15:00:00  0300  03",
    "Java from a query": "2026-11-21T13:00:00 01:00[Europe/Paris]",
    "JavaScript from a query": "Sat Nov 21 2026 13:00:00 GMT 0100 (CET)",
    "RFC 2822 from a query": "Sat, 21 Nov 2026 13:00:00  0100",
    "milliseconds": "1795262400000",
    "milliseconds with a fraction": "1795262400000.5",
}


@pytest.mark.parametrize("text", NOONS.values(), ids=NOONS.keys())
def test_a_text_is_read(text: str) -> None:
    assert timestamps.write(timestamps.read(text)) == "2026-11-21T12:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("2017-12-5T1:02:03z", "2017-12-05T01:02:03.000Z"),
        ("2026-11-21T24:00:00Z", "2026-11-22T00:00:00.000Z"),
        ("2026-11-21 12:30 AM", "2026-11-21T00:30:00.000Z"),
        ("2026-11-21 12:30 PM", "2026-11-21T12:30:00.000Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
        ("2026-11-21", "2026-11-21T00:00:00.000Z"),
        ("20261121", "2026-11-21T00:00:00.000Z"),
        ("2024-366", "2024-12-31T00:00:00.000Z"),
        ("2026-W53-7", "2027-01-03T00:00:00.000Z"),
        ("21 Nov 2026", "2026-11-21T00:00:00.000Z"),
        ("2024-02-29T00:00:00.1239Z", "2024-02-29T00:00:00.123Z"),
        ("2021-10-16T16:00:27.029:Z", "2021-10-16T16:00:27.029Z"),
        ("2021-10-16T16:00:27:029Z", "2021-10-16T16:00:27.029Z"),
        ("2015-09-15T10:06:21 am+0400", "2015-09-15T06:06:21.000Z"),
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


IMPOSSIBLE = """
soon|now|null|NaN|Infinity|infinity|1e12|46351.5|[2026,11,21]|0000-00-00 00:00:00|0000-01-01T00:00:00Z
2026-02-30T00:00:00Z|2026-13-01T00:00:00Z|2026-11-00|2026-000|2026-366T00:00:00Z|2026-W54-1
2026-W47-8T00:00:00Z|30 Feb 2026 10:00:00 GMT|0044-03-15 BC|12 Foo 2026|2026-11-21T25:00:00Z
2026-11-21T24:00:01Z|2026-11-21T12:60:00Z|2026-11-21T12:00:61Z|2026-11-21 13:00 PM|2026-11-21 0:30 AM
2026-11-21T12:00:00+25:00|2026-11-21T12:00:00+01:60|10000-01-01T00:00:00Z|9999-12-31T24:00:00Z
9999-12-31T23:59:59-01:00
"""
# Digits are days or months, offsets or times, years or hours; CET is +1, CST both -6 and +8.
AMBIGUOUS = """
11/12/2026 10:00:00|11/25/2026 3:00 PM|25.11.2026 10:00|21-11-2026|26-11-21|21 Nov 26 10:00:00 GMT
Wed Nov 25 10:00:00 CET 2026|Wed, 25 Nov 2026 10:00:00 CST|2026-11-21T12:00:00 EST
2026-11-21T12:00:00[Europe/Paris]|2026-11-21-05:00|2026-11-21+01:00|2026-11-21T12:00,5|2026325|2026-11
2026-11-2112:00|2026-11-21T12:00:00:02Z|2026-11-21T120|2026-11-21T12:00:00 +0100 PM
"""


def listed(table: str) -> list[str]:
    return table.strip().replace("\n", "|").split("|")


@pytest.mark.parametrize("text", listed(IMPOSSIBLE))
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011, its wording is nobody's interface
        timestamps.read(text)


@pytest.mark.parametrize(
    "text",
    ["", "9" * 400, "1" * 15000, f"Sat Nov 21 2026 12:00:00 GMT ({'x' * 100})"],
    ids=["empty", "many digits", "more digits than Python reads", "a long comment"],
)
def test_what_is_empty_or_long_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011, as above
        timestamps.read(text)


@pytest.mark.parametrize("text", listed(AMBIGUOUS))
def test_what_may_mean_several_instants_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no known form"):
        timestamps.read(text)


@pytest.mark.parametrize("number", [0, -1, -NOON, 1795262400, 1795262400.5, 46351.5])
def test_a_number_that_cannot_be_meant_is_suspect(number: float) -> None:
    with pytest.raises(Suspect):
        timestamps.read(number)


UNMEANT = """
0001-01-01T00:00:00Z|0001-01-01 00:00:00 +0000 UTC|0027-06-27T08:23:48+0300|0999-12-31T00:00:00Z|1795262400
1795262400.123
"""


@pytest.mark.parametrize("text", listed(UNMEANT))
def test_a_text_that_cannot_be_meant_is_suspect(text: str) -> None:
    with pytest.raises(Suspect):
        timestamps.read(text)


@pytest.mark.parametrize("number", [10**16, 10**18, 10**30, 1e300, float("inf"), float("nan")], ids=str)
def test_no_number_past_the_calendar_is_an_instant(number: float) -> None:
    with pytest.raises(ValueError, match=r"9999|infinity|NaN"):
        timestamps.read(number)


@pytest.mark.parametrize("milliseconds", [NOON, NOON + 7, 0, -1, -62_000_000_000_000])
def test_our_format_is_read_as_it_was_written(milliseconds: int) -> None:
    text = timestamps.write(milliseconds)

    expected = milliseconds if milliseconds > -30_610_224_000_000 else None
    assert timestamps.read_ours(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-21T12:00:00Z", "2026-02-30T12:00:00.000Z", "2026-11-21 12:00:00.000Z", ""),
        *("2026-11-21T12:00:00.000z", digits("2026", ARABIC) + "-11-21T12:00:00.000Z"),
    ],
)
def test_other_texts_are_not_in_our_format(text: str) -> None:
    assert timestamps.read_ours(text) is None


def pattern(form: str) -> Callable[[datetime], str]:
    """How strftime writes a form; MS stands for milliseconds."""
    return lambda instant: instant.strftime(form.replace("MS", f"{instant.microsecond // 1000:03d}"))


TO_THE_MILLISECOND = {
    "ISO 8601": lambda instant: instant.isoformat(timespec="milliseconds"),
    "a plus from a query": lambda instant: instant.isoformat(timespec="milliseconds").replace("+", " "),
    "Java": lambda instant: instant.isoformat(timespec="milliseconds") + "[Europe/Paris]",
    "Tibetan digits": lambda instant: digits(instant.isoformat(timespec="milliseconds"), TIBETAN),
    "a day of the year": pattern("%Y-%jT%H:%M:%S.MS%z"),
    "a day of the week": pattern("%G-W%V-%uT%H:%M:%S.MS%z"),
    "basic": pattern("%Y%m%dT%H%M%S,MS%z"),
    "a colon before the offset": pattern("%Y-%m-%dT%H:%M:%S.MS:%z"),
    "Go": pattern("%Y-%m-%d %H:%M:%S.MS999 %z CET m=+0.001"),
    "12 hours": pattern("%Y-%m-%dT%I:%M:%S.MS %p%z"),
    "English": pattern("%B %d, %Y, %I:%M:%S.MS %p UTC%z"),
}
TO_THE_SECOND = {
    "JavaScript": pattern("%a %b %d %Y %H:%M:%S GMT%z (Central European Standard Time)"),
    "RFC 2822": pattern("%a, %d %b %Y %H:%M:%S %z"),
    "C with an offset": pattern("%a %b %d %H:%M:%S %z %Y"),
}
OFFSETS = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.integers(631_152_000_000, 4_102_444_800_000)  # 1990 to 2100


@pytest.mark.parametrize("name", [*TO_THE_MILLISECOND, *TO_THE_SECOND])
@settings(max_examples=50)
@given(milliseconds=INSTANTS, zone=OFFSETS)
def test_every_form_reads_back_to_the_same_millisecond(name: str, milliseconds: int, zone: timezone) -> None:
    written = milliseconds if name in TO_THE_MILLISECOND else milliseconds // 1000 * 1000
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=written)

    text = (TO_THE_MILLISECOND | TO_THE_SECOND)[name](instant.astimezone(zone))

    assert timestamps.read(text) == written


PARTS = """
2026-11-21|20261121|2026-W47-6|2026-325|21 Nov 2026|12:00:00|1200|.123|T| |:|Z|+|-|01:00|0100|UTC|GMT|CET|am
[|]|(|)|m=|9999|99|0|\u0663
"""


@settings(max_examples=300)
@given(
    st.text()
    | st.lists(st.sampled_from(listed(PARTS)), max_size=9).map("".join)
    | st.floats()
    | st.integers()
)
@example("9999-12-31T23:59:59.999-23:59")
def test_anything_else_is_a_value_error(value: str | float) -> None:
    with contextlib.suppress(ValueError):
        assert len(timestamps.write(timestamps.read(value))) == len("2026-11-21T12:00:00.000Z")
