"""What a run of the bench was asked for."""

from pathlib import Path
from typing import NamedTuple


class Options(NamedTuple):
    folder: Path
    """An empty folder for the measurement alone, on the disk that is measured."""
    rounds: int
    seconds: int
    """For each load of a round."""
    drain: int
    """Events to be drained."""
    backlog: int
    """Events that wait for a sink."""
    ids: int
    """Events whose ids are indexed."""
    minutes: int
    """Of the soak."""
    search: int
    """Events of the journal that is searched."""
