"""
nats-py's client, made to close completely even when its connection is reset.

Before it reports that a connection is lost, nats-py 2.16 writes what it has not sent yet. On a transport that
uvloop has closed, this raises RuntimeError in one of its tasks, and the rest of its shutdown is skipped.
"""

from nats.aio import client


class Client(client.Client):
    """Sends nothing when closed: whatever needs an answer has had it by then, or never will."""

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        self._pending = []
        self._pending_data_size = 0
        await super()._close(status, do_cbs)
