"""The bound on the connections of one process, which lies below its limit of open files."""

import math
import resource

import structlog

from gateway import metrics

log = structlog.get_logger()

_OTHER_FILES = 96  # of the process: the journal's, databases, and connections that are being refused
_RELIEF = 0.9  # fraction of the limit below which the trouble is over


class Limit:
    """Admits `most` connections, and logs when it begins to refuse more and when that has ended."""

    def __init__(self, most: float = math.inf) -> None:
        self._most = most
        self._refused = 0

    def admits(self, open_connections: int) -> bool:
        """Return True if a connection may stay; `open_connections` includes it."""
        if open_connections <= self._most:
            return True
        if not self._refused:
            log.warning("too many connections, refusing new ones", limit=self._most)
        self._refused += 1
        metrics.CONNECTIONS_REFUSED.inc()
        return False

    def watch(self, open_connections: int) -> None:
        """Show how many connections there are now. To be called every second or so."""
        metrics.CONNECTIONS.set(open_connections)
        self.relax(open_connections)

    def relax(self, open_connections: int) -> None:
        """Say so if connections are admitted again. To be called every second or so."""
        if self._refused and open_connections < self._most * _RELIEF:
            log.info("accepting connections again", refused=self._refused)
            self._refused = 0


def most_connections() -> int:
    """Return the number of connections for which this process has descriptors."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(files - _OTHER_FILES, files // 2)
