"""What all sinks that send requests have in common: their keys, their checks, and their tests."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractAsyncContextManager

from yarl import URL

from gateway.config.secret import Secret
from gateway.config.units import Duration
from gateway.sinks.base import Sink
from gateway.sinks.http_client.client import Client, open_client


class RequestSink(Sink, kw_only=True):
    """A sink that sends requests to one host."""

    timeout: Duration = Duration(15)
    """The longest time for a whole request."""
    allow_private: bool = False
    """Also connect to addresses that are not public."""

    def endpoint(self) -> URL:
        """Return the address of requests. Raises ValueError, which repeats no secret, if it is not valid."""
        raise NotImplementedError

    @property
    def target(self) -> str:
        # Path and query may contain a token.
        return str(self.endpoint().origin())

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        if not self.timeout:
            yield "timeout", "must be more than 0s"
        try:
            self.endpoint()
        except ValueError as error:
            yield "url", str(error)

    async def reach(self) -> None:
        async with self.client() as client:
            await client.reach(self.endpoint())

    def client(self, secrets: Iterable[Secret] = ()) -> AbstractAsyncContextManager[Client]:
        """Open a client whose answers show none of the `secrets`, for the duration of the block."""
        return open_client(seconds=self.timeout, allow_private=self.allow_private, secrets=secrets)
