"""How often a token may call."""

import pytest

from gateway.services.app import Denied
from gateway.services.product_api import Calls


def test_thirty_calls_a_second_are_not_too_many() -> None:
    calls = Calls()

    for number in range(90):
        calls.begin(float(number // 30))
        calls.running -= 1


def test_more_are() -> None:
    calls = Calls()
    for _ in range(30):
        calls.begin(0.0)
        calls.running -= 1

    with pytest.raises(Denied) as denied:
        calls.begin(0.9)

    assert denied.value.response.status_code == 429
    assert b"REQUEST_LIMIT_REACHED" in denied.value.response.body
    assert denied.value.response.headers["retry-after"] == "1"


def test_thirty_at_once_are_the_most() -> None:
    calls = Calls()
    for number in range(30):
        calls.begin(float(number))

    with pytest.raises(Denied) as denied:
        calls.begin(60.0)

    assert b"CONNECTION_LIMIT_REACHED" in denied.value.response.body
