"""Sums and rates of deliveries, against cases computed by hand."""

import pytest

from gateway.inspector.delivery_api.figures import increase_rate
from gateway.inspector.delivery_api.period import DAY_MS, Period, last_days, read
from gateway.inspector.queries.errors import InvalidQuery

NOW = 1_800_000_030.0  # 2027-01-15T08:00:30Z
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("now", "before", "rate"),
    [
        pytest.param(150, 100, 50.0, id="half as many again"),
        pytest.param(100, 150, -33.33, id="a third fewer"),
        pytest.param(200, 3, 6566.67, id="many times as many"),
        pytest.param(0, 8, -100.0, id="none now"),
        pytest.param(7, 7, 0.0, id="as many"),
        pytest.param(5, 0, None, id="none before"),
        pytest.param(0, 0, None, id="none at all"),
    ],
)
def test_the_increase_rate_is_the_change_in_percent(now: int, before: int, rate: float | None) -> None:
    assert increase_rate(now, before) == rate


def test_the_period_is_the_last_day_by_default() -> None:
    found = read({}, NOW)

    assert (found.start, found.end) == (1_800_000_060_000 - DAY_MS, 1_800_000_060_000)
    assert found.granularity == HOUR_MS


@pytest.mark.parametrize(
    ("start", "granularity"),
    [
        pytest.param("2027-01-15T07:00:00Z", 60_000, id="an hour"),
        pytest.param("2027-01-14T08:00:00Z", HOUR_MS, id="a day"),
        pytest.param("2027-01-08T08:00:00Z", DAY_MS, id="a week"),
    ],
)
def test_the_granularity_depends_on_the_length_by_default(start: str, granularity: int) -> None:
    assert read({"start": start, "end": "2027-01-15T08:00:00Z"}).granularity == granularity


def test_a_period_begins_and_ends_with_whole_minutes() -> None:
    found = read({"start": "2027-01-15T07:59:31Z", "end": "2027-01-15T08:00:01Z"})

    assert (found.start, found.end) == (1_799_999_940_000, 1_800_000_060_000)


def test_the_period_before_has_the_same_length_and_no_minute_in_common() -> None:
    assert Period(1000, 1600, 100).before == Period(400, 1000, 100)


def test_steps_begin_at_multiples_of_the_granularity() -> None:
    assert [*Period(130, 310, 100).points] == [100, 200, 300]


def test_the_last_days_are_30_with_today() -> None:
    found = last_days(NOW)

    assert len(found.points) == 30
    assert found.points[-1] <= NOW * 1000 < found.end


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"start": "yesterday"}, id="no time"),
        pytest.param({"start": ""}, id="an empty time"),
        pytest.param({"start": "2027-01-15T08:00:00Z", "end": "2027-01-15T08:00:00Z"}, id="no length"),
        pytest.param({"start": "2027-01-15T09:00:00Z", "end": "2027-01-15T08:00:00Z"}, id="the wrong way"),
        pytest.param({"start": "2025-01-15T09:00:00Z", "end": "2027-01-15T08:00:00Z"}, id="years"),
        pytest.param({"granularity": "0"}, id="granularity 0"),
        pytest.param({"granularity": "-60000"}, id="a negative granularity"),
        pytest.param({"granularity": "60001"}, id="no whole minutes"),
        pytest.param({"granularity": "1m"}, id="a granularity with a unit"),
        pytest.param({"granularity": "9" * 400}, id="a huge granularity"),
        pytest.param(
            {"start": "2027-01-01T00:00:00Z", "end": "2027-01-15T00:00:00Z", "granularity": "60000"},
            id="too many steps",
        ),
    ],
)
def test_bad_parameters_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidQuery):
        read(given, NOW)
