"""Regular expressions for texts of strangers: no text may take one long."""

import pytest

from gateway.destinations.expressions import MAX_MATCHED, expression

BOUNDED = [
    "Order .*|Product .*",
    "(?i)order.*",
    ".*x.*y",
    "[^x]*x[^y]*y[^z]*z",
    "https?://[^/]+/.*",
    r"[^@\s]+@[^@\s]+",
    r"\d+-\d+-\d+",
    r"[a-z]+(?:-[a-z]+)*",
    r"(?:[a-z0-9-]+\.)+[a-z]+",
    r"(?:https?|ftp)://[^\s/]+(?:/[^\s/]*)*",
    "(?!ga_|google_)[A-Za-z][A-Za-z0-9_]{0,39}",
    "(?:[A-Za-z]{1,9})?",
    "(?:[A-Za-z]+)*+",
    "(?:a++)*b",
    "(?>(?:a|b)*)c",
    "(?:ab|cd)+",
    r"(a)?(?(1)b|c)\1?",
    r"^\bx$",
]
UNBOUNDED = [
    "(?:a+)+c",
    "(?:(?:a+)+)+",
    "(?:a*)*b",
    "(?:a+?)*?b",
    "(x|[a-z]*)*",
    "(?:a|aa)+b",
    "(?:a|a?)+b",
    r"(?:\w+\s?)*!",
    r"(?:\d+|\d+\.)*z",
    "(?:(?:a{1,3}){1,3}){1,9}b",
    "(?:a?){30}a{30}",
    f"{'a?' * 30}{'a' * 30}",
    ".*x.*y.*z",
    "[^x]*X[^y]*Y[^z]*Z",
    "(?i)[^x]*X[^y]*Y[^z]*Z",
    "(.*)(.*)(.*)x",
    "(?i)(?:k|K)*(?:K|k)*(?:k|K)*z",
    "(?=(?:a+)+b)a*",
    "(?>(?:a+)+b)",
    "(?:(?:a+)+b)*+",
    r"(a*)(?:\1x)*\1*y",
]


@pytest.mark.parametrize("pattern", BOUNDED)
def test_what_takes_a_bounded_time_is_an_expression(pattern: str) -> None:
    found = expression(pattern)

    for text in ("a" * MAX_MATCHED, "a." * (MAX_MATCHED // 2), "x" * (MAX_MATCHED - 1) + "!"):
        found.fullmatch(text)


@pytest.mark.parametrize("pattern", UNBOUNDED)
def test_what_could_take_long_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="can match in too many ways"):
        expression(pattern)


def test_an_expression_with_many_branches_is_read_in_a_bounded_time() -> None:
    assert expression("(?:a|)" * 20)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (5, "expected a regular expression"),
        ("(", "not a regular expression: missing"),
        ("(" * 900 + ")" * 900, "not a regular expression: maximum recursion"),
        ("a" * 2001, "expected at most 2000 characters"),
        ("a{99999999999}", "not a regular expression: the repetition number is too large"),
        (r"(?u:\w)+b", r"cannot have \(\?u:"),
    ],
    ids=["number", "open", "deep", "long", "too many", "Unicode"],
)
def test_what_is_no_expression_is_refused(pattern: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        expression(pattern)
