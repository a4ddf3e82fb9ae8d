"""Statuses that shipped clients mishandle, as one table of data."""

from gateway.sources import MultiStatus

Version = tuple[int, ...]

FAILS_ON: dict[int, dict[str, Version | None]] = {
    207: {
        # segment-analytics-python before 2.4.0, analytics-python 1.x and rudder-sdk-python (up to 2.1.9, with
        # the same User-Agent) treat only 200 as success and send the whole batch again, ten times.
        "analytics-python": (2, 4, 0),
        # Retries every status from 201 to 399 for ever, without a pause (3.8.2).
        "analytics-php": None,
        # Calls on_error for every status but 200 (2.5.0).
        "analytics-ruby": None,
    },
    413: {
        # analytics-swift retries a batch at every flush, for ever, unless it is answered 2xx or 400 (1.9.4).
        # Its User-Agent has the name of the classic iOS library, which drops the batch and was past version 2
        # when analytics-swift started at 1.0.
        "analytics-ios": (2, 0, 0),
    },
}
"""By status and library name: the first version that handles it, or None if there is none yet."""


def takes_multi_status(wish: MultiStatus, strict: bool, user_agent: str, library: tuple[str, str]) -> bool:
    """
    Return True if an answer may have the status 207; if not, the same body is sent with 200.

    `wish` is the source's `multi_status`; `strict`, the client's X-Strict-Mode: 1, wins over it. `library`
    holds the name and version from `context.library`.
    """
    if strict or wish == "always":
        return True
    if wish == "never":
        return False
    return takes(207, user_agent) and _takes(207, *library)


def takes(status: int, user_agent: str) -> bool:
    """Return True if a client handles a status. All clients in the table send "name/version" first."""
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
