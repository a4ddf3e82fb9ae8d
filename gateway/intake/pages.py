"""What the intake answers besides events: is it alive, can it store, and what SDKs report of themselves."""

from collections.abc import Awaitable, Callable

import msgspec

from gateway.dialects.base import SUCCESS
from gateway.errors import TryLater
from gateway.outcome import Answer
from gateway.submission import Submission

Probe = Callable[[], Awaitable[None]]
"""Return once something was written and synced recently, else raise TryLater."""


def pages(probe: Probe) -> dict[str, Callable[[Submission], Awaitable[Answer]]]:
    """All of them, by path."""

    async def alive(_: Submission) -> Answer:
        return _say(200, "ok")

    async def ready(_: Submission) -> Answer:
        try:
            await probe()
        except TryLater as trouble:
            return _say(503, str(trouble))
        return _say(200, "ready")

    async def client_metrics(_: Submission) -> Answer:
        """analytics-next, Kotlin and Swift count their own errors here, without a key."""
        return SUCCESS

    return {"/healthz": alive, "/readyz": ready, "/v1/m": client_metrics}


def _say(status: int, words: str) -> Answer:
    return Answer(status, msgspec.json.encode({"status": words}), headers=((b"cache-control", b"no-store"),))
