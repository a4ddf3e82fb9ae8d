"""What the inspector looks at: everything that its queries read, opened once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from gateway.config.tables import Config
from gateway.home import Home
from gateway.inspector.search.index import Index
from gateway.journal.base import Log
from gateway.postgresql.place import Place


class Inspection(msgspec.Struct, frozen=True):
    """A gateway, as queries see it. Thread-safe: each query opens what it needs of the journal and state."""

    home: Home
    """The paths of everything that is kept."""
    journal: Log
    config: Callable[[], Config]
    """Returns the gateway's current configuration."""
    index: Index
    unready: Callable[[], str] = lambda: ""
    """Returns why the intake cannot store events now; empty if it can, or if that is unknown."""

    @property
    def state(self) -> Place:
        return self.home.state


@contextmanager
def inspecting(
    home: Home, journal: Log, config: Callable[[], Config], unready: Callable[[], str] = lambda: ""
) -> Iterator[Inspection]:
    """Lend an inspection for the duration of the block."""
    yield Inspection(home, journal, config, Index(home.folder / "search"), unready)
