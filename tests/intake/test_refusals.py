"""What the log says of refused events."""

import pytest
from structlog.testing import capture_logs

from gateway.errors import JournalUnavailable, Overloaded, RateLimited, UnknownWriteKey
from gateway.intake import refusals
from gateway.intake.refusals import Refusals

FLOOD = 1000


def logged(found: Refusals, *seconds: dict[tuple[str, str], int]) -> list[tuple[str, str, int]]:
    """Return level, code and number of each line after seconds with these refusals."""
    with capture_logs() as lines:
        for second in seconds:
            for (code, about), events in second.items():
                found.count(code, events, about)
            found.report()
    return [(line["log_level"], line["code"], line["events"]) for line in lines]


def of(code: str, events: int, about: str = "") -> dict[tuple[str, str], int]:
    return {(code, about): events}


def test_a_flood_has_a_line_when_it_begins_and_one_with_the_count_when_it_ends() -> None:
    code = UnknownWriteKey.code

    lines = logged(Refusals(), of(code, FLOOD), of(code, FLOOD), of(code, FLOOD), *[{}] * 30)

    assert lines == [("warning", code, FLOOD), ("info", code, 3 * FLOOD)]


def test_a_few_mistakes_of_clients_are_not_worth_a_line() -> None:
    assert logged(Refusals(), *[of(UnknownWriteKey.code, 5)] * 30) == []


@pytest.mark.parametrize("code", [Overloaded.code, RateLimited.code, refusals.BUG])
def test_one_event_that_is_refused_for_no_mistake_of_its_own_is(code: str) -> None:
    assert logged(Refusals(), of(code, 1)) == [("warning", code, 1)]


def test_a_pause_shorter_than_ten_seconds_does_not_end_a_flood() -> None:
    code = Overloaded.code

    lines = logged(Refusals(), of(code, 1), *[{}] * 8, of(code, 1), *[{}] * 8, of(code, 1))

    assert lines == [("warning", code, 1)]


def test_a_flood_ends_though_single_mistakes_go_on() -> None:
    code = UnknownWriteKey.code

    lines = logged(Refusals(), of(code, FLOOD), *[of(code, 1)] * 30)

    assert lines == [("warning", code, FLOOD), ("info", code, FLOOD + 10)]


def test_each_source_over_its_rate_has_lines_of_its_own() -> None:
    found = Refusals()

    with capture_logs() as lines:
        for source in ("a", "b"):
            found.count(RateLimited.code, 1, source)
        found.report()

    assert sorted(line["about"] for line in lines) == ["a", "b"]


def test_the_journal_has_its_own_line_elsewhere() -> None:
    assert logged(Refusals(), of(JournalUnavailable.code, FLOOD)) == []


def test_only_the_first_of_a_flood_is_news() -> None:
    found = Refusals()

    first = [found.count(refusals.BUG, 1, "/v1/track ValueError") for _ in range(3)]
    found.report()
    later = found.count(refusals.BUG, 1, "/v1/track ValueError")
    another = found.count(refusals.BUG, 1, "/v1/track KeyError")

    assert (first, later, another) == ([True, False, False], False, True)
