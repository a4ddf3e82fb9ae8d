"""Ownership of the data folder: acquired at the start, and held while the gateway runs."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

from gateway.config.tables import Journal
from gateway.errors import ConfigError, StateUnavailable
from gateway.home import Home
from gateway.journal import engines
from gateway.state.store import State

log = structlog.get_logger()


@contextmanager
def own(home: Home, journal: Journal) -> Iterator[None]:
    """Own the data folder, and recover its content. Raises ConfigError."""
    has_run = False
    with suppress(OSError):  # home.own reports it
        has_run = home.identity.exists()
    with home.own(lambda: engines.find_identity(journal)):
        known = bool(home.partitions())
        engines.recover(journal, home.journal)
        _prepare_state(home, has_run=has_run, known=known)
        yield


def _prepare_state(home: Home, *, has_run: bool, known: bool) -> None:
    """Prepare the state; an unreachable server delays no restart, since the intake does not need it."""
    try:
        State.prepare(home.state, home.journal, expected=known)
    except StateUnavailable as error:
        if not has_run:  # the url may be wrong, and no sender relies on this gateway yet
            raise ConfigError(f"[state] url: {error}") from error
        log.error("state unavailable, delivery waits", error=str(error))


class Keeper:
    """Restores the lock and the identity of an owned data folder if they are removed."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._failure = ""

    def check(self) -> bool:
        """Return True if files had to be restored. Raises ConfigError if another gateway owns the folder."""
        home = self._home
        lost = home.lost()
        if not lost:
            return False
        try:
            if not home.reclaim():
                raise ConfigError(f"[journal] path: another gateway has taken {home}")
        except OSError as error:
            if str(error) != self._failure:
                log.error(
                    "files of the data folder removed or replaced; cannot be made again",
                    folder=str(home),
                    files=lost,
                    error=str(error),
                )
            self._failure = str(error)
            return False
        log.error("files of the data folder removed or replaced; made again", folder=str(home), files=lost)
        self._failure = ""
        return True
