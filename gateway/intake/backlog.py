"""
Large bodies that wait to be processed.

An event loop finds all requests that have arrived meanwhile at once. Were all their bodies processed before
it looks again, then with more load than the process can bear all requests would wait for all others, small
events and refusals too. Therefore large bodies are processed for a moment in each turn of the loop, and the
rest waits; if that would be for too long, a body is refused, before it is read or inflated where that is
possible.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from gateway.errors import Overloaded
from gateway.intake.body import Budget

LARGE_BODY_BYTES = 16 * 1024
"""To refuse a smaller one, and to read it again later, costs about as much as to process it."""
_LARGE_COMPRESSED_BYTES = LARGE_BODY_BYTES // 16
"""Of what compresses to less, hardly any was large."""

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

    `call_soon` is that of the event loop; `budget` bounds the bytes that wait.
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
        """When the last body was processed, or the first of those that wait came."""
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
        """Return whether a body of so many bytes, as it is sent, is refused; it need not be inflated then."""
        least = _LARGE_COMPRESSED_BYTES if b"content-encoding" in headers else LARGE_BODY_BYTES
        return sent >= least and self.is_full()

    def is_full(self) -> bool:
        """Return whether one more body would wait for too long."""
        if not self._waiting:
            return False
        so_far = self._clock() - self._waiting[0].since  # it may be slower than expected
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
        # What the loop does between two bodies delays those that wait, too; but a stall is no rule.
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
