"""
Held partitions: those that this process delivers, each with the term of its uninterrupted hold.

With the embedded journal, these are all partitions. With several gateways, they are those for which the
process has leases: what was read under another term is out of date, since another process may have continued
from there in the meantime.
"""

from collections.abc import Callable, Mapping

from gateway.journal.base import Log

Held = Callable[[], Mapping[str, int]]
"""Returns the term of each partition that is held now, in order."""


def everything(journal: Log) -> Held:
    """Return a Held with all partitions of a journal, forever."""
    return lambda: dict.fromkeys(journal.partitions(), 0)
