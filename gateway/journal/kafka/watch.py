"""A look at the topic from time to time: whether it is full, and still promises what it did."""

import threading
import time
from collections.abc import Callable

import structlog

from gateway.errors import ConfigError, JournalUnavailable, Overloaded
from gateway.journal.kafka.log import KafkaLog

log = structlog.get_logger()

_MEASURE_SECONDS = 1.0
_PROMISE_SECONDS = 20.0
_MIN_IN_SYNC = 2
_MAX_WAITING_BYTES = 64 * 1024 * 1024  # of all partitions; beyond it, new appends raise Overloaded


class Watch:
    """
    Says whether events may be appended. Looks on a thread of its own.

    `promise` raises ConfigError if the topic promises too little, and OSError.
    """

    def __init__(self, journal: KafkaLog, promise: Callable[[], object]) -> None:
        self._journal = journal
        self._promise = promise
        self._room = journal.max_size
        """The number of bytes that may still be appended, at the last look, less what this process has."""
        self._broken = ""
        """What the topic no longer promises."""
        self._waiting = 0
        """The number of bytes of which it is not known yet whether they are stored."""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def reserve(self, size: int) -> None:
        """Let so many bytes be appended. Raises Overloaded or JournalUnavailable if they may not."""
        if self._waiting + size > _MAX_WAITING_BYTES:
            raise Overloaded
        if self._broken:
            raise JournalUnavailable("the topic no longer promises what is required")
        if size > self._room:
            raise JournalUnavailable("the journal is full")
        self._room -= size
        self._waiting += size

    def give_back(self, size: int) -> None:
        """Take note that it is known of so many bytes whether they are stored."""
        self._waiting -= size

    def probe(self) -> None:
        """Ask the brokers whether they take events. Blocks. Raises JournalUnavailable."""
        self.reserve(0)
        try:
            lacking = self._journal.client.leaderless(_MIN_IN_SYNC)
        except OSError as error:
            raise JournalUnavailable(str(error)) from error
        if lacking:
            raise JournalUnavailable(f"partitions with too few brokers: {', '.join(map(str, lacking))}")

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        promised_at = time.monotonic()
        while not self._closed.wait(_MEASURE_SECONDS):
            try:
                self._room = self._journal.available()
                if time.monotonic() - promised_at > _PROMISE_SECONDS:
                    self._look()
                    promised_at = time.monotonic()
            except OSError:  # what is appended meanwhile fails by itself
                pass

    def _look(self) -> None:
        try:
            self._promise()
        except ConfigError as error:
            if str(error) != self._broken:
                log.error("journal promises too little", reason=str(error))
            self._broken = str(error)
        else:
            if self._broken:
                log.info("journal promises enough again")
            self._broken = ""
