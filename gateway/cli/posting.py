"""Post batches of events to a running gateway, which may be away for a while once it has answered."""

import time
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPException
from ipaddress import ip_address
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import msgspec

from gateway.backoff import delays
from gateway.cli.importing import ImportFailed

_GREETING_TIMEOUT_SECONDS = 10.0
_TIMEOUT_SECONDS = 30.0
_PATIENCE_SECONDS = 300.0
"""The total wait between attempts after which an import is given up."""


class Error(msgspec.Struct, rename={"place": "Index"}):
    """The reason why an event was refused."""

    code: str
    message: str = msgspec.field(name="Message")
    details: str = msgspec.field(default="", name="Details")
    place: int | None = None
    """Its index in the batch; None for the whole batch."""


class Answer(msgspec.Struct):
    """The part of an answer that an import needs; `code` and `message` are set if something went wrong."""

    success: bool = False
    errors: list[Error] = msgspec.field(default_factory=list, name="Errors")
    code: str = ""
    message: str = ""


_read_answer = msgspec.json.Decoder(Answer).decode


class Poster:
    """
    A gateway's address and a write key.

    `warn` gets a message for every failed attempt; `sleep` waits a number of seconds before the next.
    """

    def __init__(
        self,
        address: str,
        write_key: str,
        warn: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raise ImportFailed if the address is invalid."""
        if not address.startswith(("http://", "https://")):
            raise ImportFailed(f"{address}: expected http:// or https://")
        self._address = address.rstrip("/")
        self._url = f"{self._address}/v1/import"
        self._headers = {"Content-Type": "application/json", "X-Strict-Mode": "1"}
        if write_key:
            self._headers["Authorization"] = f"Basic {b64encode(f'{write_key}:'.encode()).decode()}"
        self._warn, self._sleep = warn, sleep
        # A proxy from the environment would look for a loopback address on its own machine.
        proxies: dict[str, str] | None = {} if _is_loopback(address) else None
        self._open = build_opener(ProxyHandler(proxies), _NoRedirects).open

    def greet(self) -> None:
        """Return once something has answered at the address. Raises ImportFailed within seconds."""
        try:
            with self._open(f"{self._address}/healthz", timeout=_GREETING_TIMEOUT_SECONDS):
                pass
        except HTTPError as error:
            error.close()
        except (OSError, HTTPException, ValueError) as error:
            raise ImportFailed(
                f"no gateway answers at {self._address}: {_reason(error)}; is it running, and is --to right?"
            ) from error

    def post(self, body: bytes) -> Answer:
        """
        Post a batch until it is answered.

        Raises ImportFailed if the answer is not from a gateway, or after _PATIENCE_SECONDS.
        """
        waited, waits = 0.0, delays(1.0, 30.0)
        while True:
            try:
                request = Request(self._url, body, self._headers)  # noqa: S310  # checked above
                with self._open(request, timeout=_TIMEOUT_SECONDS) as response:
                    return self._read(response.status, response.read())
            except HTTPError as error:
                text, reason = error.read(), f"{error.code} {error.reason}"
                if error.code < 500 and error.code != 429:
                    return self._read(error.code, text)
                asked = _seconds(error.headers.get("Retry-After"))
            except (OSError, HTTPException) as error:
                asked, reason = 0.0, _reason(error)
            wait = max(asked, next(waits))
            waited += wait
            if waited > _PATIENCE_SECONDS:
                raise ImportFailed(f"{self._url}: {reason}")
            self._warn(f"{self._url}: {reason}; trying again in {wait:.0f} s")
            self._sleep(wait)

    def _read(self, status: int, text: bytes) -> Answer:
        try:
            answer = _read_answer(text)
        except msgspec.DecodeError:
            answer = Answer()
        if not (answer.success or answer.code):
            said = text[:100].decode("utf-8", "replace")
            raise ImportFailed(f"{self._url} is not a gateway: it answers {status} {said!r}")
        return answer


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirect: the body would be lost, and the write key disclosed to another host."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        raise ImportFailed(f"{req.full_url} is redirected to {newurl}; pass that address with --to")


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason)


def _is_loopback(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _seconds(wait: str | None) -> float:
    """Return the seconds that Retry-After asks for; 0 for a date, or without one."""
    return float(wait) if wait and wait.isdecimal() and len(wait) < 10 else 0.0
