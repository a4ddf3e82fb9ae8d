"""
One thread that looks after all open files, several times a second.

A thread or a timer for each of them would cost more than the looks do, and the event loop must not wait for a
file system that hangs.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread

_INTERVAL_SECONDS = 0.25  # seconds


class Watch:
    """Calls what it is given as long as it is wanted; its thread lives only as long as there is anything."""

    def __init__(self, every: float = _INTERVAL_SECONDS) -> None:
        self._every = every
        self._checks: list[Callable[[], None]] = []
        self._lock = Lock()
        self._running = False

    @contextmanager
    def calling(self, check: Callable[[], None]) -> Iterator[None]:
        """
        Call `look` every so many seconds while the block lasts, and at most once after its end.

        It is called in another thread, raises nothing, and waits for nobody.
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
"""That of the process."""
