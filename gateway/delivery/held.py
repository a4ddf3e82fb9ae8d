"""
Held partitions: those that this process delivers, each with the term since when it does without a break.

With the embedded journal these are all that there are. With several gateways they are those for which the
process has leases: what was read under another term is out of date, since another process may have gone on
from there meanwhile.
"""

from collections.abc import Callable, Mapping

from gateway.journal.base import Log

Held = Callable[[], Mapping[str, int]]
"""Returns the term of each partition that is held now, in order."""


def everything(journal: Log) -> Held:
    """Return what holds all partitions of a journal for ever."""
    return lambda: dict.fromkeys(journal.partitions(), 0)
