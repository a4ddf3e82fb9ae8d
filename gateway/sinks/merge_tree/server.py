"""The HTTP interface of a ClickHouse server (clickhouse.com/docs/interfaces/http)."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec
from yarl import URL

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured, SinkUnavailable
from gateway.sinks.http_client.client import Client, open_client, parse_url
from gateway.sinks.merge_tree import failures

_decode = msgspec.json.Decoder(dict[str, str]).decode_lines

# The answer begins after the statement has ended, so its status tells the outcome.
_ALWAYS = {"wait_end_of_query": "1"}
_MAX_ANSWER_BYTES = 16 * 1024**2


class Server:
    """Runs statements, one at a time. Bound to one event loop."""

    def __init__(self, client: Client, url: URL, login: str) -> None:
        self._client = client
        self._url = url
        self._headers = {"Authorization": f"Basic {login}", "Content-Type": "application/octet-stream"}

    async def query(self, statement: str, **parameters: str) -> list[dict[str, str]]:
        """
        Run a statement, and return its rows as texts if it has `FORMAT JSONEachRow`; at most 16 MB.

        `{name:String}` in the statement stands for a parameter. Raises SinkUnavailable or SinkMisconfigured.
        """
        given = {f"param_{name}": value for name, value in parameters.items()}
        url = self._url.extend_query(_ALWAYS | given)
        answer = await self._client.send("POST", url, self._headers, statement.encode())
        failures.check(answer, of_events=False)
        if answer.broken or len(answer.body) == _MAX_ANSWER_BYTES:
            raise SinkUnavailable(f"{answer.host}: the answer breaks off, or is too long")
        try:
            return _decode(answer.body)
        except msgspec.DecodeError as error:
            raise SinkMisconfigured(f"{answer.host} does not answer as ClickHouse does") from error

    async def insert(self, statement: str, settings: Mapping[str, str], data: bytes) -> None:
        """Insert data in the format that the statement names. Raises SinkError."""
        url = self._url.extend_query(_ALWAYS | dict(settings) | {"query": statement})
        failures.check(await self._client.send("POST", url, self._headers, data), of_events=bool(data))


@asynccontextmanager
async def open_server(url: str, user: str, password: Secret, seconds: float) -> AsyncIterator[Server]:
    """Open a server for the duration of the block; a statement may take `seconds` seconds."""
    # Neither in the URL, which servers log, nor as headers, which hold only ASCII.
    login = b64encode(f"{user}:{password.reveal()}".encode()).decode()
    secrets = [each for each in (password, Secret(login)) if each]
    # Databases are in private networks; their address is the operator's own, like a dsn.
    async with open_client(
        seconds=seconds, allow_private=True, secrets=secrets, max_answer_bytes=_MAX_ANSWER_BYTES
    ) as client:
        yield Server(client, parse_url(url), login)
