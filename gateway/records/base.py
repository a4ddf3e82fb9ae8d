"""Tables of JSON objects by site and id, wherever they are stored: people and products."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Record(NamedTuple):
    id: str
    json: bytes
    """A JSON object in UTF-8."""


class Table(Protocol):
    """
    A table of people or products. Thread-safe; every method blocks.

    Changes are on stable storage when a method returns. Every method may raise JournalUnavailable and may
    then be called again.
    """

    def find(self, site: str, id: str) -> bytes | None:
        """Return an object as JSON, or None if there is none."""

    def merge(self, site: str, records: Iterable[Record]) -> None:
        """Merge records into the stored ones as JSON merge patches (RFC 7396), in one transaction."""

    def remove(self, site: str, id: str) -> None:
        """Remove an object. Has no effect if there is none."""

    def close(self) -> None:
        """Close the table; another call opens it again."""


class Catalogue(Protocol):
    """The products as delivery reads them. Not thread-safe; every method blocks and may raise OSError."""

    def version(self) -> object:
        """Return an object that changes with the products; None if there are none."""

    def find(self, site: str, id: str) -> bytes | None:
        """Return a product as JSON, as of the last call of `version` or later; None if there is none."""

    def close(self) -> None:
        """Close the catalogue; `version` opens it again."""
