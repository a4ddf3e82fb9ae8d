"""Dead letters as the rest of the gateway sees them, and filters on them."""

from typing import NamedTuple

import msgspec


class Burial(msgspec.Struct, frozen=True):
    """An event that becomes a dead letter."""

    position: int
    epoch: int
    batch: str
    """The id of the batch in which it failed."""
    code: str
    message: str
    answer: str
    tries: int
    first_failed_at: int
    """Milliseconds since 1970, like `last_failed_at`."""
    last_failed_at: int
    canonical: bytes
    """The event as it is in the journal."""


class Letter(msgspec.Struct, frozen=True):
    """A dead letter, with the columns of the table."""

    id: int
    sink: str
    partition: str
    position: int
    epoch: int
    batch: str
    code: str
    message: str
    answer: str
    tries: int
    first_failed_at: int
    last_failed_at: int
    message_id: str
    source: str
    type: str
    event: str
    user_id: str
    anonymous_id: str
    canonical: bytes
    job: int | None
    """The job that is retrying it."""


class Choice(msgspec.Struct, frozen=True, omit_defaults=True):
    """A filter on dead letters; a field that is not given matches everything."""

    sink: str = ""
    ids: tuple[int, ...] = ()
    code: str = ""
    event: str = ""
    type: str = ""
    source: str = ""
    message_id: str = ""
    user: str = ""
    """Matches userId or anonymousId."""
    since: int | None = None
    """The earliest last_failed_at, in milliseconds since 1970."""
    until: int | None = None
    """One past the last last_failed_at."""

    def condition(self) -> tuple[str, list[object]]:
        """Return the SQL condition and its parameters."""
        keys = ("sink", "code", "event", "type", "source", "message_id")
        tests = [(f"{key} = ?", getattr(self, key)) for key in keys]
        found = [(test, [value]) for test, value in tests if value]
        if self.ids:
            found.append((f"id IN ({', '.join('?' * len(self.ids))})", [*self.ids]))
        if self.user:
            found.append(("(user_id = ? OR anonymous_id = ?)", [self.user, self.user]))
        if self.since is not None:
            found.append(("last_failed_at >= ?", [self.since]))
        if self.until is not None:
            found.append(("last_failed_at < ?", [self.until]))
        condition = " AND ".join(test for test, _ in found) or "TRUE"
        return condition, [value for _, values in found for value in values]


class Group(NamedTuple):
    """The letters with one code and one event name."""

    code: str
    event: str
    letters: int
    last_failed_at: int
    id: int
    """The id of the newest letter."""
