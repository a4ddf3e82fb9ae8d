"""Failed logins are counted by address, for a minute, in bounded memory."""

from ipaddress import ip_address

import pytest

from gateway.inspector.access.attempts import MAX_FAILURES, Attempts


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def failing(times: int, *addresses: str, clock: Clock | None = None) -> Attempts:
    attempts = Attempts(clock or Clock())
    for address in addresses:
        for _ in range(times):
            attempts.fail(address)
    return attempts


def test_ten_failures_are_too_many() -> None:
    assert failing(MAX_FAILURES - 1, "192.0.2.1").wait("192.0.2.1") == 0
    assert failing(MAX_FAILURES, "192.0.2.1").wait("192.0.2.1") > 0


def test_another_address_is_not_concerned() -> None:
    attempts = failing(MAX_FAILURES, "192.0.2.1")

    assert attempts.wait("192.0.2.2") == 0


def test_after_a_minute_it_may_try_again() -> None:
    clock = Clock()
    attempts = failing(MAX_FAILURES, "192.0.2.1", clock=clock)

    clock.now = 59.5
    assert attempts.wait("192.0.2.1") == 1
    clock.now = 60.0
    assert attempts.wait("192.0.2.1") == 0


def test_failures_that_are_spread_out_are_not_too_many() -> None:
    clock = Clock()
    attempts = Attempts(clock)

    for minute in range(MAX_FAILURES * 2):
        clock.now = minute * 10.0
        attempts.fail("192.0.2.1")

    assert attempts.wait("192.0.2.1") == 0


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        pytest.param("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True, id="one customer's network"),
        pytest.param("2001:db8:0:1::1", "2001:db8:0:2::1", False, id="two networks"),
        pytest.param("::ffff:192.0.2.1", "::ffff:192.0.2.2", False, id="mapped addresses"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", True, id="a mapped address and the same"),
        pytest.param("", "", True, id="no address"),
    ],
)
def test_an_ipv6_address_counts_by_its_network(one: str, other: str, is_same: bool) -> None:
    attempts = failing(MAX_FAILURES, one)

    assert (attempts.wait(other) > 0) == is_same


def test_a_flood_of_addresses_takes_bounded_memory() -> None:
    attempts = failing(1, *(str(ip_address(number)) for number in range(10_500)))

    assert len(attempts._failures) == 10_000
