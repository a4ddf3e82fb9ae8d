"""Results are remembered for short texts alone."""

import pytest

from gateway.remembered import of_short


@pytest.mark.parametrize(("text", "calls"), [("short", 1), ("longer than that", 2)])
def test_the_result_of_a_long_text_is_not_remembered(text: str, calls: int) -> None:
    made: list[str] = []

    @of_short(10, 100)
    def upper(given: str) -> str:
        made.append(given)
        return given.upper()

    assert [upper(text), upper(text)] == [text.upper()] * 2
    assert len(made) == calls


def test_only_the_last_results_are_remembered() -> None:
    made: list[str] = []

    @of_short(10, 2)
    def upper(given: str) -> str:
        made.append(given)
        return given.upper()

    for text in ("a", "b", "c", "a"):
        upper(text)

    assert made == ["a", "b", "c", "a"]
