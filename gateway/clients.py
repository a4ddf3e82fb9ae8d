"""What shipped clients cannot take, as one table of data."""

from gateway.sources import MultiStatus

Version = tuple[int, ...]

FAILS_ON: dict[int, dict[str, Version | None]] = {
    207: {
        # segment-analytics-python before 2.4.0, analytics-python 1.x and rudder-sdk-python (up to 2.1.9, with
        # the same User-Agent) take only 200 for success and send the whole batch again, ten times.
        "analytics-python": (2, 4, 0),
        # Sends again for ever and without a pause on every status from 201 to 399 (3.8.2).
        "analytics-php": None,
        # Calls the customer's on_error for every status but 200 (2.5.0).
        "analytics-ruby": None,
    },
    413: {
        # analytics-swift keeps a batch that is answered anything but 2xx or 400, and sends it again at every
        # flush for ever (1.9.4). Its User-Agent has the name of the classic iOS library, which drops the
        # batch, and had left version 2 behind when Swift's began with 1.0.
        "analytics-ios": (2, 0, 0),
    },
}
"""Status: library name: the first version that takes it, or None if there is none yet."""


def takes_multi_status(wish: MultiStatus, strict: bool, user_agent: str, library: tuple[str, str]) -> bool:
    """
    Whether an answer may have the status 207; if not, the same body goes out with 200.

    `strict` is the client's own X-Strict-Mode: 1, which wins; `library` is the name and version from
    `context.library`.
    """
    if strict or wish == "always":
        return True
    if wish == "never":
        return False
    return takes(207, user_agent) and _takes(207, *library)


def takes(status: int, user_agent: str) -> bool:
    """Whether a client can bear a status; it is known by "name/version", as all in the table send it."""
    name, _, version = user_agent.partition(" ")[0].partition("/")
    return _takes(status, name, version)


def _takes(status: int, name: str, version: str) -> bool:
    table = FAILS_ON[status]
    if name not in table:
        return True
    first = table[name]
    numbers = version.split(".")
    if first is None or not all(number.isdecimal() and len(number) < 10 for number in numbers):
        return False
    return tuple(map(int, numbers)) >= first
