"""Which class of failure an answer stands for, and what it asks for."""

from email.utils import formatdate

import pytest
from multidict import CIMultiDict

from gateway.errors import SinkError, SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.http_client.answers import Answer, check, retry_after

NOW = 1_800_000_000.0


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    pairs = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Answer("hooks.example", status, pairs, body)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207, 299])
def test_every_2xx_is_a_success(status: int) -> None:
    check(answer(status))


@pytest.mark.parametrize(
    ("statuses", "failure"),
    [
        pytest.param((408, 425, 429, 500, 501, 502, 503, 504, 520, 599), SinkUnavailable, id="later"),
        pytest.param((301, 302, 304, 307, 308, 401, 403, 404, 405, 410), SinkMisconfigured, id="operator"),
        pytest.param((400, 402, 406, 409, 411, 413, 415, 422, 431), SinkRefused, id="events"),
    ],
)
def test_other_statuses_stand_for_a_class_of_failure(
    statuses: tuple[int, ...], failure: type[SinkError]
) -> None:
    for status in statuses:
        with pytest.raises(failure, match=rf"^hooks\.example answered {status}") as raised:
            check(answer(status, b"why"))
        assert raised.value.answer == "why"


def test_a_refusal_names_no_culprit() -> None:
    with pytest.raises(SinkRefused, match=r"hooks\.example answered 400 Bad Request") as raised:
        check(answer(400))

    assert not raised.value.culprits


def test_a_redirect_is_said_not_to_be_followed() -> None:
    with pytest.raises(SinkMisconfigured, match=r"answered 302 Found; redirects are not followed$"):
        check(answer(302))


def test_the_words_of_an_answer_are_cut_and_readable() -> None:
    with pytest.raises(SinkRefused) as raised:
        check(answer(400, b"\xff" + b"x" * 10_000))

    assert raised.value.answer == "\N{REPLACEMENT CHARACTER}" + "x" * 4095


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("3601", 3600.0),
        ("9" * 1000, 3600.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        (formatdate(NOW + 86400, usegmt=True), 3600.0),
        ("Fri, 15 Jan 2027 08:01:00 -0000", 60.0),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("Fri, 15 Jan 2027 08:01:00 +9999999999999999", None),
        ("", None),
    ],
)
def test_retry_after_is_in_seconds_or_a_date_and_at_most_an_hour(value: str, seconds: float | None) -> None:
    assert retry_after(answer(503, retry_after=value), NOW) == seconds


def test_a_target_that_is_overloaded_says_when_to_come_back() -> None:
    with pytest.raises(SinkUnavailable) as raised:
        check(answer(429, Retry_After="30"))

    assert raised.value.retry_after == 30
