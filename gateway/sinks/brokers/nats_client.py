"""
The client of nats-py, which also ends whole when its connection is reset.

Before it tells that a connection is lost, nats-py 2.16 writes what it has not sent yet. To a transport that
uvloop has closed, that raises RuntimeError in one of its tasks, and the rest of its end is left out.
"""

from nats.aio import client


class Client(client.Client):
    """Sends nothing when it is closed: whatever needs an answer has had it by then, or never will."""

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        self._pending = []
        self._pending_data_size = 0
        await super()._close(status, do_cbs)
