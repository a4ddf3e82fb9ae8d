"""Deliveries by the minute: what became of events at a sink, by name, and how long its attempts took."""

from collections.abc import Iterable

import msgspec

MAX_NAMES = 200
"""The most event names counted separately in one minute of a sink; the others count under the type ""."""

_MAX_NAME_CHARACTERS = 200
_MAX_ERRORS = 20
_MAX_ERROR_CHARACTERS = 300

Name = tuple[str, str]
"""Type and event name; "" for types without a name."""

OTHERS: Name = ("", "")


class Failure(msgspec.Struct, array_like=True):
    """Attempts that failed for one reason."""

    attempts: int = 0
    events: int = 0


class Minute(msgspec.Struct, omit_defaults=True):
    """What happened at one sink within one minute, or within several of them together."""

    outcomes: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    """Events by outcome, reason, type and event name."""
    attempts: int = 0
    retries: int = 0
    milliseconds: int = 0
    slowest: int = 0
    failures: dict[str, Failure] = {}
    """Failures by the text of the error."""

    def add(self, outcome: str, reason: str, name: Name, events: int) -> None:
        """Count events."""
        type, event = name[0], name[1][:_MAX_NAME_CHARACTERS]
        reasons = self.outcomes.setdefault(outcome, {})
        types = reasons.setdefault(reason, {})
        if event not in types.get(type, ()) and sum(map(len, types.values())) >= MAX_NAMES:
            type, event = OTHERS
        names = types.setdefault(type, {})
        names[event] = names.get(event, 0) + events

    def attempted(self, milliseconds: int, events: int, error: str = "") -> None:
        """Count an attempt to write a batch; `error` says why it failed, if it is to be repeated."""
        self.attempts += 1
        self.milliseconds += milliseconds
        self.slowest = max(self.slowest, milliseconds)
        if error:
            self.retries += 1
            self._fail(error[:_MAX_ERROR_CHARACTERS], Failure(1, events))

    def merge(self, other: "Minute") -> None:
        """Add the counts of another minute."""
        for outcome, reasons in other.outcomes.items():
            for reason, types in reasons.items():
                for type, names in types.items():
                    for event, events in names.items():
                        self.add(outcome, reason, (type, event), events)
        self.attempts += other.attempts
        self.retries += other.retries
        self.milliseconds += other.milliseconds
        self.slowest = max(self.slowest, other.slowest)
        for error, failure in other.failures.items():
            self._fail(error, failure)

    def _fail(self, error: str, failure: Failure) -> None:
        if error not in self.failures and len(self.failures) >= _MAX_ERRORS:
            error = ""
        found = self.failures.setdefault(error, Failure())
        found.attempts += failure.attempts
        found.events += failure.events


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Minute).decode


def merged(minutes: Iterable[bytes]) -> Minute:
    """Return the sum of encoded minutes."""
    total = Minute()
    for each in minutes:
        total.merge(decode(each))
    return total
