"""What every journal has in common: positions."""

from typing import NamedTuple


class Position(NamedTuple):
    """A place in a partition: the number of the next event, and the epoch of the one before (0: unknown)."""

    number: int
    epoch: int = 0
