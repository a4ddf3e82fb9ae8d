"""Numbers and times as people read them."""

import pytest

from gateway.inspector.web.formats import capfirst, duration, moment, number, plural, sentence, size, units


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234567, "1,234,567"), (3.414, "3.41"), (34.14, "34.1"), (1234.5, "1,234"), (2.0, "2")],
)
def test_numbers_have_separators(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [(0, "0 B"), (1023, "1,023 B"), (1536, "1.5 KB"), (256 * 1024**2, "256 MB"), (20 * 1024**3, "20.0 GB")],
)
def test_sizes_have_the_unit_that_fits(octets: int, text: str) -> None:
    assert size(octets) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "200 ms"), (1, "1 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (86400 * 3, "3 days")],
)
def test_durations_have_the_unit_that_fits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_time_says_its_zone_and_keeps_the_exact_one() -> None:
    element = moment("2026-11-26T09:08:58.618Z")

    title = 'title="2026-11-26 09:08:58.618 UTC"'
    assert element == f'<time datetime="2026-11-26T09:08:58.618Z" {title}>26 Nov 09:08:58 UTC</time>'


@pytest.mark.parametrize("given", [None, "", "<b>soon</b>"])
def test_what_is_no_time_is_no_element(given: str | None) -> None:
    assert "<time" not in moment(given)


def test_words_follow_their_numbers() -> None:
    assert (plural(1, "event"), plural(0, "event"), plural(1200, "event")) == (
        "1 event",
        "0 events",
        "1,200 events",
    )
    assert units("12.5 GB") == "12.5<small>GB</small>"
    assert (sentence("add it"), sentence(""), capfirst("sink GA4")) == ("Add it.", "", "Sink GA4")
