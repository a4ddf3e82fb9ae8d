"""
Large bodies that wait to be processed.

In each turn, the event loop finds all requests that have arrived since the last one. If it processed all of
their bodies before looking again, then under overload every request would wait for every other, including
small events and refusals. Large bodies are therefore processed for a limited time in each turn, and the
others wait. A body that would wait too long is refused, if possible before it is read or inflated.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from gateway.errors import Overloaded
from gateway.intake.body import Budget

LARGE_BODY_BYTES = 16 * 1024
"""Refusing a smaller one, and reading it again later, costs about as much as processing it."""
_LARGE_COMPRESSED_BYTES = LARGE_BODY_BYTES // 16
"""Hardly anything that compresses to less is a large body."""

_MAX_TURN_SECONDS = 0.002
_MAX_WAIT_SECONDS = 0.16
_MEMORY = 0.05  # the weight of the last body in the average

Result = TypeVar("Result")


class Waiting(NamedTuple):
    """A body that waits."""

    since: float
    size: int
    process: Callable[[], None]


class Backlog:
    """
    The large bodies of one process.

    `call_soon` is the event loop's; `budget` limits how many bytes may wait.
    """

    def __init__(
        self,
        budget: Budget,
        call_soon: Callable[[Callable[[], None]], object],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._budget = budget
        self._call_soon = call_soon
        self._clock = clock
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._seconds_a_byte = 0.0
        self._spent = 0.0
        self._ended = 0.0
        """When the last body was processed, or when the first of the waiting ones arrived."""
        self._is_turn_due = False

    def add(self, size: int, process: Callable[[], None]) -> None:
        """Call `process`, now or in a later turn of the loop; it must not raise. Raises Overloaded."""
        if not self._waiting and self._spent < _MAX_TURN_SECONDS:
            self._ended = self._clock()
            return self._process(size, process)
        if self.is_full():
            raise Overloaded
        self._budget.take(size)
        self._bytes += size
        self._waiting.append(Waiting(self._clock(), size, process))

    def refuses(self, sent: int, headers: Mapping[bytes, bytes]) -> bool:
        """Return whether to refuse a body of `sent` bytes, which need not be read or inflated then."""
        least = _LARGE_COMPRESSED_BYTES if b"content-encoding" in headers else LARGE_BODY_BYTES
        return sent >= least and self.is_full()

    def is_full(self) -> bool:
        """Return whether one more body would wait for too long."""
        if not self._waiting:
            return False
        so_far = self._clock() - self._waiting[0].since  # processing may be slower than expected
        return max(so_far, self._bytes * self._seconds_a_byte) > _MAX_WAIT_SECONDS

    async def run(self, size: int, process: Callable[[], Result]) -> Result:
        """Return what `process` returns, and raise what it raises. Raises Overloaded."""
        results: list[Result] = []
        errors: list[Exception] = []
        waiter: asyncio.Future[None] | None = None

        def keep() -> None:
            try:
                results.append(process())
            except Exception as error:
                errors.append(error)
            if waiter and not waiter.done():
                waiter.set_result(None)

        self.add(size, keep)
        if not results and not errors:
            waiter = asyncio.get_running_loop().create_future()
            await waiter
        if errors:
            raise errors[0]
        return results[0]

    def _process(self, size: int, process: Callable[[], None]) -> None:
        if not self._is_turn_due:
            self._is_turn_due = True
            self._call_soon(self._begin_turn)
        begun, before = self._clock(), self._ended
        process()
        self._ended = self._clock()
        spent = self._ended - begun
        self._spent += spent
        # Other work between two bodies delays the waiting ones too, but one stall must not dominate.
        seconds = min(self._ended - before, 2 * spent)
        self._seconds_a_byte += _MEMORY * (seconds / size - self._seconds_a_byte)

    def _begin_turn(self) -> None:
        self._is_turn_due = False
        self._spent = 0.0
        while self._waiting and self._spent < _MAX_TURN_SECONDS:
            _, size, process = self._waiting.popleft()
            self._bytes -= size
            self._budget.give_back(size)
            self._process(size, process)
