"""
What has just arrived: accepted requests as they came, and refused ones, held in memory for the inspector.

The request that is answered pays for a reference to what exists anyway; recorder.py does all else.
"""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Protocol

import msgspec

from gateway.bucket import Bucket
from gateway.dialects.base import Dialect
from gateway.errors import Refusal
from gateway.intake.refusals import BUG
from gateway.outcome import Outcome, Refused
from gateway.sources import Sources
from gateway.submission import Submission

MAX_BYTES = 8 * 1024 * 1024
"""Of accepted requests in one worker."""

TURN_BYTES = 2 * 1024 * 1024
"""
Of accepted requests from one `refill` to the next, half a second later; about 500 ordinary ones.

Under full load 8 MB would be gone within a fifteenth of a second, so that to hold every request would be of
no use; and it would slow all of them down, because memory that was held has left the processor's cache.
"""

_MAX_REFUSED_BYTES = 4 * 1024 * 1024
_REQUEST_BYTES, _HEADER_BYTES = 800, 100  # what Python adds to each
BURST = 200
"""Refusals of one code on one route that are kept at once; after them, some of a flood."""
_MAX_OF_SUBMISSION = 20  # so that a single batch is no flood
_SECONDS_BETWEEN = 3.0  # two refusals of a flood that are kept: 28,800 a day


class Judge(Protocol):
    """The endpoint that refused something, as far as its refusals need it."""

    @property
    def name(self) -> str: ...
    @property
    def dialect(self) -> Dialect: ...
    @property
    def sources(self) -> Sources: ...


class Bug(msgspec.Struct, frozen=True):
    """The gateway's own failure, in the terms of a refusal."""

    details: str
    events: int
    code: str = BUG
    message: str = "The gateway has a bug; its log shows where"


class Cause(msgspec.Struct, frozen=True):
    """One event, or all of a submission, that was not stored, and why."""

    place: int | None
    """Its index in what was sent; None for all of it."""
    message_id: str | None
    reason: Refusal | Bug


class RefusedSubmission(msgspec.Struct, frozen=True):
    """A submission of which something was refused."""

    judge: Judge
    submission: Submission
    causes: list[Cause]
    """Those that are kept."""


class Refusals(msgspec.Struct):
    """What was refused since it was last collected."""

    kept: list[RefusedSubmission] = []
    events: Counter[str] = msgspec.field(default_factory=Counter)
    """Events by code, all of them."""
    unkept: Counter[str] = msgspec.field(default_factory=Counter)
    """Those of them that are not in `kept`."""
    size: int = 0


class Recent:
    """The memory of one worker. Not thread-safe."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._entries: deque[tuple[Submission, Outcome]] = deque()
        self._max_bytes = self._left = max_bytes
        self._room = TURN_BYTES
        self._appended = 0
        self._refusals = Refusals()
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def accepted(self, submission: Submission, outcome: Outcome) -> None:
        """Hold a submission of which something was stored, if there is room, until 8 MB came after it."""
        if self._room <= 0:
            return
        size = _size(submission) + len(outcome.block)
        self._room -= size
        self._entries.append((submission, outcome))
        self._appended += 1
        self._left -= size
        if self._left < 0:
            self._forget()

    def refill(self) -> None:
        """Make room for the requests of the next half second."""
        self._room = TURN_BYTES

    def since(self, seen: int) -> tuple[int, list[tuple[Submission, Outcome]]]:
        """Return how many were ever held, and those that came after the first `seen` of them."""
        new = min(self._appended - seen, len(self._entries))
        return self._appended, list(self._entries)[-new:] if new else []

    def refused(self, judge: Judge, submission: Submission, refused: Sequence[Refused]) -> None:
        """Hold what was refused of a submission, until it is collected; of a flood, hold and count a part."""
        self._hold(judge, submission, [Cause(one.place, one.message_id, one.refusal) for one in refused])

    def failed(self, judge: Judge, submission: Submission, bug: Exception, events: int) -> None:
        """Hold a submission on which the gateway has failed; of the exception, only the class is kept."""
        self._hold(judge, submission, [Cause(None, None, Bug(type(bug).__name__, events))])

    def _hold(self, judge: Judge, submission: Submission, causes: list[Cause]) -> None:
        found = self._refusals
        kept: list[Cause] = []
        for cause in causes:
            code, events = cause.reason.code, cause.reason.events
            found.events[code] += events
            if len(kept) < _MAX_OF_SUBMISSION and self._passes(code, submission.route):
                kept.append(cause)
            else:
                found.unkept[code] += events
        if not kept:
            return
        size = _size(submission)
        if found.kept and found.size + size > _MAX_REFUSED_BYTES:
            for cause in kept:
                found.unkept[cause.reason.code] += cause.reason.events
        else:
            found.size += size
            found.kept.append(RefusedSubmission(judge, submission, kept))

    def collect_refusals(self) -> Refusals:
        """Return what was refused since the last call."""
        found, self._refusals = self._refusals, Refusals()
        return found

    def _passes(self, code: str, route: str) -> bool:
        """Return whether one more refusal is not part of a flood."""
        bucket = self._buckets.get((code, route))
        if bucket is None:
            bucket = self._buckets[code, route] = Bucket(1 / _SECONDS_BETWEEN, BURST)
        if bucket.wait(1):
            return False
        bucket.take(1)
        return True

    def _forget(self) -> None:
        """Free an eighth of the space, so that not every request has to free some."""
        while self._entries and self._left < self._max_bytes // 8:
            submission, outcome = self._entries.popleft()
            self._left += _size(submission) + len(outcome.block)


def _size(submission: Submission) -> int:
    headers = submission.headers
    texts = sum(map(len, headers)) + sum(map(len, headers.values())) + len(submission.query)
    return _REQUEST_BYTES + _HEADER_BYTES * len(headers) + texts + len(submission.body)
