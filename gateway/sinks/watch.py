"""
One thread that looks after all open files, several times a second.

A thread or a timer for each of them would cost more than the looks do, and the event loop must not wait for a
file system that hangs.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread

_EVERY = 0.25  # seconds


class Watch:
    """Calls what it is given as long as it is wanted; its thread lives only as long as there is anything."""

    def __init__(self, every: float = _EVERY) -> None:
        self._every = every
        self._looks: list[Callable[[], None]] = []
        self._lock = Lock()
        self._running = False

    @contextmanager
    def calling(self, look: Callable[[], None]) -> Iterator[None]:
        """
        Call `look` every so many seconds while the block lasts, and at most once after its end.

        It is called in another thread, raises nothing, and waits for nobody.
        """
        with self._lock:
            self._looks.append(look)
            if not self._running:
                Thread(target=self._run, name="watch", daemon=True).start()
            self._running = True
        try:
            yield
        finally:
            with self._lock:
                self._looks.remove(look)

    def _run(self) -> None:
        while True:
            time.sleep(self._every)
            with self._lock:
                looks = list(self._looks)
                if not looks:
                    self._running = False
                    return
            for look in looks:
                look()


WATCH = Watch()
"""That of the process."""
