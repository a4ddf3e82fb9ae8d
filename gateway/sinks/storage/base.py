"""The interface of storage, and the proof that it never replaces a file."""

from typing import Protocol

import anyio

from gateway.errors import SinkMisconfigured, SinkUnavailable

MARKER = "_event_gateway"
"""A file that each connection tries to create; readers of data sets skip names beginning with _."""

_MARKER_CONTENT = b"The event gateway created this file to see that a file is never replaced here.\n"
_DEADLINE_SECONDS = 60.0


class Storage(Protocol):
    """Creates files by names such as date=2026-11-26/events.parquet. Used by one task at a time."""

    where: str
    """Its address, for operators."""

    async def create(self, name: str, content: bytes | memoryview) -> bool:
        """
        Return True once the file is durable, False if one with this name exists, which stays as it is.

        Atomic: no reader ever sees part of a file. Raises SinkUnavailable or SinkMisconfigured; after the
        former, and after a cancellation, the file may have been created.
        """
        ...


async def create(
    storage: Storage, name: str, content: bytes | memoryview, deadline_seconds: float = _DEADLINE_SECONDS
) -> bool:
    """Like Storage.create, but raise SinkUnavailable if it takes too long."""
    try:
        with anyio.fail_after(deadline_seconds):
            return await storage.create(name, content)
    except TimeoutError as error:
        raise SinkUnavailable(f"{storage.where}: no answer within {deadline_seconds:g} s") from error


async def probe(storage: Storage) -> None:
    """Raise SinkMisconfigured if a second file can replace one with the same name."""
    if await create(storage, MARKER, _MARKER_CONTENT) and await create(storage, MARKER, _MARKER_CONTENT):
        raise SinkMisconfigured(
            f"{storage.where}: the store replaces files although it was asked not to (If-None-Match: *),"
            " so that events could be lost or written twice"
        )
