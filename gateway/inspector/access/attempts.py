"""Count failed logins, so that nobody can guess the token."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

MAX_FAILURES = 10
PERIOD_SECONDS = 60.0
_MAX_ADDRESSES = 10_000


class Attempts:
    """The last minute's failures by address; for IPv6, by the 64 bits that one customer has. Bounded."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Return the seconds that an address must wait before it may try again; 0 if it may now."""
        failures = self._failures.get(_network(address))
        if failures is None or len(failures) < MAX_FAILURES:
            return 0
        left = failures[0] + PERIOD_SECONDS - self._clock()
        return int(left) + 1 if left > 0 else 0

    def fail(self, address: str) -> None:
        """Count a failure for an address."""
        network = _network(address)
        self._failures.setdefault(network, deque(maxlen=MAX_FAILURES)).append(self._clock())
        self._failures.move_to_end(network)
        if len(self._failures) > _MAX_ADDRESSES:
            self._failures.popitem(last=False)


def _network(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or int(known) >> 64)
    return address
