"""
One thread that checks all open files of sinks, several times a second.

A thread or timer for each file would cost more than the checks, and the event loop must not wait for a
hanging file system.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread

_INTERVAL_SECONDS = 0.25


class Watch:
    """Calls registered functions at an interval, in a thread that runs while there are any. Thread-safe."""

    def __init__(self, every: float = _INTERVAL_SECONDS) -> None:
        self._every = every
        self._checks: list[Callable[[], None]] = []
        self._lock = Lock()
        self._running = False

    @contextmanager
    def calling(self, check: Callable[[], None]) -> Iterator[None]:
        """
        Call `check` at the interval for the duration of the block, and at most once after its end.

        `check` is called in another thread. It must not raise, and must not wait for a lock.
        """
        with self._lock:
            self._checks.append(check)
            if not self._running:
                Thread(target=self._run, name="watch", daemon=True).start()
            self._running = True
        try:
            yield
        finally:
            with self._lock:
                self._checks.remove(check)

    def _run(self) -> None:
        while True:
            time.sleep(self._every)
            with self._lock:
                checks = list(self._checks)
                if not checks:
                    self._running = False
                    return
            for check in checks:
                check()


WATCH = Watch()
"""The watch of this process."""
