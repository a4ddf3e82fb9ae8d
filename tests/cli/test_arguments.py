"""Times and positions as they are given to commands."""

import time

import click
import pytest

from gateway.cli.arguments import Position
from gateway.cli.times import Rate, Time


def test_a_time_may_be_a_date() -> None:
    assert Time().convert("2026-01-31T12:00:00Z", None, None) == 1769860800000


@pytest.mark.parametrize(("age", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604800)])
def test_a_time_may_be_an_age(age: str, seconds: int) -> None:
    before = time.time()
    found = Time().convert(age, None, None) / 1000 + seconds
    after = time.time()

    assert before - 0.001 <= found <= after


@pytest.mark.parametrize("text", ["", "yesterday", "2 weeks", "-2h", "h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match='an age such as "2h"'):
        Time().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "rate"), [("100", 100), ("0.5", 0.5), ("100/s", 100), ("600/m", 10), ("36/h", 0.01)]
)
def test_a_rate_is_one_of_the_configuration_or_per_second(text: str, rate: float) -> None:
    assert Rate().convert(text, None, None) == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "-1", "1e9", "nan", "inf", "10/d", "10000000000"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="expected events per second"):
        Rate().convert(text, None, None)


def test_an_age_beyond_1970_stands_for_the_beginning() -> None:
    assert Time().convert("100000d", None, None) == 0


@pytest.mark.parametrize(
    ("text", "position"), [("0/12345", ("0", 12345)), ("12/0", ("12", 0)), ("77", (None, 77))]
)
def test_a_position_has_a_number_and_may_name_its_partition(
    text: str, position: tuple[str | None, int]
) -> None:
    assert Position().convert(text, None, None) == position


@pytest.mark.parametrize("text", ["", "/1", "0/", "a/1", "0/-1", "0/1/2", "٣"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match='a position such as "0/12345"'):
        Position().convert(text, None, None)
