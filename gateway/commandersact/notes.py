"""What the way back from a canonical event could not know."""

from typing import Any

from msgspec import UNSET, Raw

from gateway import objects
from gateway.message import Object


class Notes:
    """Taken while an event is read; see the package."""

    def __init__(self, event: Raw | None, odd: bool) -> None:
        self.event = event
        self.odd = odd
        """Whether the event has to be kept whole, since it could not be put together again."""
        self.derived: list[str] = []
        self.sent: dict[str, Any] = {}

    def keep(self, value: Raw, *path: str) -> None:
        """A value whose spelling the way back would not know."""
        if b"null" in bytes(value):  # for which a merge patch has no word
            self.odd = True
        self._put(value, path)

    def drop(self, *path: str) -> None:
        """A field that the way back would yield and that was not there."""
        self._put(None, path)

    def keep_empty(self, name: str) -> None:
        """An empty object, which the way back would leave out."""
        self.sent.setdefault(name, {})

    def _put(self, value: Raw | None, path: tuple[str, ...]) -> None:
        inner = self.sent
        for step in path[:-1]:
            inner = inner.setdefault(step, {})
        inner[path[-1]] = value

    def native(self) -> Object:
        if self.odd and self.event is not None:
            return Raw(objects.write({"event": self.event}))
        parts = {"derived": self.derived, "sent": self.sent}
        found = {name: part for name, part in parts.items() if part}
        return Raw(objects.write(found)) if found else UNSET
