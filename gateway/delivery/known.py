"""What sinks know about duplicates: which events have a verdict, and which of these are duplicates."""

from collections.abc import Collection

from gateway.journal.base import Position
from gateway.state.verdicts import Verdicts


class Known:
    """The verdicts, if duplicates are looked for. Thread-safe; methods block on the disk."""

    def __init__(self, verdicts: Verdicts, *, enabled: bool) -> None:
        self.enabled = enabled
        """False: every event is new. May change at any time."""
        self._verdicts = verdicts

    def end(self, partition: str) -> Position | None:
        """
        Return the first position without a verdict, or None if no event needs one.

        After an older journal was restored, it may belong to another history until the indexer notices.
        """
        return self._verdicts.limit(partition) if self.enabled else None

    def duplicates(self, partition: str, first: int, end: int) -> Collection[int]:
        """Return the positions of the duplicates in a range."""
        return self._verdicts.duplicates(partition, first, end) if self.enabled else ()

    def version(self) -> object:
        """Return an object that changes when `end` does."""
        return self._verdicts.ends() if self.enabled else None
