"""The log on JetStream, for all readers: a separate thread has the connection."""

import asyncio
import threading
import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from nats.aio.msg import Msg

from gateway.config.tables import Journal
from gateway.journal.jetstream import api, streams
from gateway.journal.jetstream.link import Away, Link
from gateway.journal.jetstream.reader import Reader
from gateway.journal.jetstream.tail import Tails
from gateway.journal.jetstream.view import View
from gateway.journal.publisher import MAX_CHUNK_BYTES

_T = TypeVar("_T")

_REQUEST_SECONDS = 5.0
_FULL = 0.9  # of max_bytes: above it, or if a chunk may not fit, a partition is low on space


class JetStreamLog:
    """Implements journal.base.Log. Connects when first used."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._link: Link | None = None
        self._tails = Tails()
        self._views = {name: View(self, name) for name in self.partitions()}

    def partitions(self) -> list[str]:
        return [str(number) for number in range(self._journal.partitions)]

    def reader(self, partition: str, *, quarantine: bool = False) -> Reader:
        """Return a reader. The engine repairs damage from its replicas, so nothing is quarantined."""
        del quarantine
        return Reader(self._views[partition])

    def size(self) -> int:
        return sum(self._state(name).bytes for name in self.partitions())

    def is_low_on_space(self) -> bool:
        most = streams.max_bytes(self._journal)
        most = min(int(most * _FULL), most - MAX_CHUNK_BYTES)
        return any(self._state(name).bytes > most for name in self.partitions())

    def release(self, positions: Mapping[str, int], before: float) -> None:
        """Purge the messages that end before their partition's position and were stored before `before`."""
        for name, number in positions.items():
            sequence = self._views[name].released_to(number, before)
            if sequence:
                request = f"STREAM.PURGE.{streams.stream(self._journal, name)}"
                done = api.read_done(self.ask(f"$JS.API.{request}", api.encode(seq=sequence)).data)
                if done.error:
                    raise OSError(str(done.error))

    def close(self) -> None:
        """Close the connection and end the thread."""
        with self._lock:
            loop, thread, link = self._loop, self._thread, self._link
            self._loop = self._thread = self._link = None
        if loop and thread and link:
            asyncio.run_coroutine_threadsafe(_end(link), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def info(self, partition: str) -> api.Info:
        """Return the leader's information about a partition's stream. Raises OSError."""
        name = streams.stream(self._journal, partition)
        info = api.read_info(self.ask(f"$JS.API.STREAM.INFO.{name}", b"").data)
        if info.error or info.state is None:
            raise OSError(f"the stream {name} cannot be read: {info.error}")
        return info

    def heard(self, partition: str, sequence: int) -> tuple[int, int] | None:
        """Return the number after a message and its epoch, if its appender has announced them."""
        tail = self._tails.get(partition)
        return (tail.number, tail.epoch) if tail and tail.sequence == sequence else None

    def ask(self, subject: str, payload: bytes) -> Msg:
        """Return the answer to a request. Raises OSError."""
        return self._run(self._connected().request(subject, payload, until=_until()))

    def get(self, partition: str, payload: bytes) -> list[Msg]:
        """Return the messages of a partition that a direct get requests, with the status. Raises OSError."""
        subject = f"$JS.API.DIRECT.GET.{streams.stream(self._journal, partition)}"
        return self._run(self._connected().request_many(subject, payload, until=_until()))

    def _state(self, partition: str) -> api.State:
        state = self.info(partition).state
        assert state
        return state

    def _connected(self) -> Link:
        with self._lock:
            if self._link is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=loop.run_forever, name="jetstream", daemon=True)
                thread.start()
                self._loop, self._thread = loop, thread
                self._link = asyncio.run_coroutine_threadsafe(self._open(), loop).result()
            return self._link

    async def _open(self) -> Link:
        return Link(self._journal, streams.announcements(self._journal), self._tails.hear)

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        loop = self._loop
        assert loop
        try:
            return asyncio.run_coroutine_threadsafe(work, loop).result()
        except Away as error:
            raise OSError(f"JetStream: {error}") from error


def _until() -> float:
    return time.monotonic() + _REQUEST_SECONDS


async def _end(link: Link) -> None:
    """Close a connection, and end what its client leaves running."""
    await link.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
