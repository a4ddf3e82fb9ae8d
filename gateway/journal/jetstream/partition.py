"""
The writing side of a partition: publishes chunks to its stream, each exactly once.

A chunk is published with the sequence that the stream must have before it. If the answer is lost, the chunk
is published again; the stream refuses it if it already has the first one or one of another gateway, and the
id of the message after that sequence tells which. A refusal alone proves nothing, unless another gateway
announces its message there: a server that was suspended may refuse what the stream's new leader also got,
and stores.

The numbers of events continue from the previous message. So does the epoch, unless this process has just
connected or the stream has lost its end: then events with other numbers may have been read, and a new epoch
begins.
"""

import asyncio
import secrets
import time

from gateway.config.tables import Journal
from gateway.errors import JournalUnavailable
from gateway.journal import chunk
from gateway.journal.base import Promise
from gateway.journal.chunk import Chunk
from gateway.journal.jetstream import api, message, streams
from gateway.journal.jetstream.link import Away, Link
from gateway.journal.jetstream.tail import Tail, Tails, announce
from gateway.journal.publisher import MAX_CHUNK_BYTES

_ATTEMPT_SECONDS = 1.0
_PAUSE_SECONDS = 0.05  # while no server leads the stream
_HEARING_SECONDS = 0.02  # within which another appender announces the chunk that was faster


class StreamPartition:
    """Implements journal.publisher.Partition."""

    def __init__(self, link: Link, journal: Journal, name: str, tails: Tails, promise: Promise) -> None:
        self._link = link
        self._journal = journal
        self._name = name
        self._stream = streams.stream(journal, name)
        self._subject = streams.subject(journal, name)
        self._announcements = streams.announcements(journal)
        self._tails = tails
        self._promise = promise
        self._session = secrets.token_hex(8)
        self._chunks = 0
        self._connection = 0
        """The number of the connection on which this appender stored its last chunk."""

    async def append(self, block: bytes, carries: int, count: int, until: float) -> None:
        if self._promise.broken:
            raise JournalUnavailable(self._promise.broken)
        self._chunks += 1
        id = f"{self._session}-{self._chunks}"
        doubtful: Tail | None = None
        """The end after which the chunk may be stored, whatever was answered."""
        tail = self._tails.get(self._name)
        while True:
            try:
                if tail is None:
                    tail = await self._read_end(until)
                if doubtful and tail.sequence > doubtful.sequence:
                    behind = await self._read(doubtful.sequence + 1, until)
                    if behind.id == id:
                        return self._tails.learn(self._name, behind.tail)
                    doubtful = None
                following, error = await self._publish(tail, id, block, carries, count, until)
            except Away as away:
                doubtful = doubtful or tail
                if time.monotonic() + _PAUSE_SECONDS >= until:
                    self._tails.forget(self._name)
                    raise JournalUnavailable(str(away)) from away
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if error is None:
                self._tails.learn(self._name, following)
                return await self._link.announce(self._announcements, announce(self._name, following))
            if error.err_code != api.WRONG_LAST_SEQUENCE:
                raise JournalUnavailable(str(error))
            faster = await self._tails.after(self._name, tail.sequence, _HEARING_SECONDS)
            if faster is None or faster.sequence != tail.sequence + 1:
                doubtful = doubtful or tail
            tail = faster

    async def probe(self, until: float) -> None:
        if self._promise.broken:
            raise JournalUnavailable(self._promise.broken)
        try:
            info = await streams.ask(self._link, f"STREAM.INFO.{self._stream}", until=until)
        except Away as error:
            raise JournalUnavailable(str(error)) from error
        if info.error or not info.state:
            raise JournalUnavailable(str(info.error))
        if info.state.bytes + MAX_CHUNK_BYTES > streams.max_bytes(self._journal):
            raise JournalUnavailable(f"the stream {self._stream} is full")

    async def _publish(
        self, tail: Tail, id: str, block: bytes, carries: int, count: int, until: float
    ) -> tuple[Tail, api.Error | None]:
        """Publish a chunk after an end; return the new end, or why the stream refuses it. Raises Away."""
        connection = self._link.connections
        epoch = tail.epoch if tail.epoch and connection == self._connection else secrets.randbits(63) | 1
        new = Chunk(tail.number, count, epoch, time.time_ns() // 1_000_000, carries, block)
        answer = await self._link.request(
            self._subject,
            chunk.encode_header(new) + block,
            {message.ID: id, api.EXPECTED_LAST_SEQUENCE: str(tail.sequence)},
            until=min(until, time.monotonic() + _ATTEMPT_SECONDS),
        )
        published = api.read_published(answer.data)
        if published.error is None:
            self._connection = connection
        return Tail(published.seq, new.end, epoch), published.error

    async def _read_end(self, until: float) -> Tail:
        """Return the end according to the stream. Raises Away, and JournalUnavailable if it has none."""
        info = await streams.ask(self._link, f"STREAM.INFO.{self._stream}", until=until)
        if info.error or not info.state:
            raise JournalUnavailable(str(info.error))
        known = self._tails.get(self._name)
        if known and known.sequence > info.state.last_seq:
            self._tails.forget(self._name)
            self._connection = 0
        if not info.state.messages:  # nothing was ever stored, or an operator has purged the stream
            return Tail(info.state.last_seq, 0, 0)
        sequence = info.state.last_seq
        while (found := await self._read(sequence, until)).chunk is None:
            sequence -= 1  # no gateway has written it
        tail = found.tail._replace(sequence=info.state.last_seq)
        self._tails.learn(self._name, tail)
        return tail

    async def _read(self, sequence: int, until: float) -> message.Stored:
        """Return a message that the stream has. Raises Away, also if a replica does not have it yet."""
        request = api.encode(seq=sequence)
        answer = await self._link.request(f"$JS.API.DIRECT.GET.{self._stream}", request, until=until)
        found = message.parse(answer)
        if found is None:
            raise Away("a replica of the stream is behind")
        return found
