"""The interface of feeds: where the work of a sink comes from, and where its outcome is recorded."""

from typing import Protocol

from gateway.delivery.work import Work


class Feed(Protocol):
    """Every method blocks, is called by one thread at a time, and may raise OSError or StateUnavailable."""

    due: float | None
    """When a batch that is still filling is complete, in seconds since 1970; None: no batch is filling."""

    def next(self, *, flush: bool) -> Work | None:
        """
        Return the next work, or None if there is none yet.

        With `flush`, a batch that is still filling is complete. What was returned is not returned again.
        """

    def close(self) -> None:
        """Release all files. No call may follow."""

    def prepare(self, work: Work) -> Work:
        """Return the work as it is to be written, after recording everything that must be known by then."""

    def record(self, work: Work, receipt: bytes, following: Work | None) -> None:
        """
        Record the outcome of the work in one transaction.

        `following` is the work of the same feed that will be written next, if known.
        """
