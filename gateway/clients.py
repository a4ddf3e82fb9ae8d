"""What shipped clients cannot take, as one table of data."""

from gateway.sources import MultiStatus

FAILS_ON_207 = {
    # segment-analytics-python before 2.4.0, analytics-python 1.x and rudder-sdk-python (up to 2.1.9, with
    # the same User-Agent) take only 200 for success and send the whole batch again, ten times.
    "analytics-python": (2, 4, 0),
    # Sends again for ever and without a pause on every status from 201 to 399 (3.8.2).
    "analytics-php": None,
    # Calls the customer's on_error for every status but 200 (2.5.0).
    "analytics-ruby": None,
}
"""Library name: the first version that takes a 207, or None if there is none yet."""


def takes_multi_status(wish: MultiStatus, strict: bool, user_agent: str, library: tuple[str, str]) -> bool:
    """
    Whether an answer may have the status 207; if not, the same body goes out with 200.

    `strict` is the client's own X-Strict-Mode: 1, which wins; `library` is the name and version from
    `context.library`; `user_agent` is "name/version", as all libraries in the table send it.
    """
    if strict or wish == "always":
        return True
    if wish == "never":
        return False
    agent, _, agent_version = user_agent.partition(" ")[0].partition("/")
    return _takes_207(agent, agent_version) and _takes_207(*library)


def _takes_207(name: str, version: str) -> bool:
    if name not in FAILS_ON_207:
        return True
    first = FAILS_ON_207[name]
    numbers = version.split(".")
    if first is None or not all(number.isdecimal() and len(number) < 10 for number in numbers):
        return False
    return tuple(map(int, numbers)) >= first
