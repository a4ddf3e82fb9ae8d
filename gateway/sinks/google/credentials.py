"""
Access tokens of Google Cloud: for the key of a service account, or from the metadata server of a machine.

The key is exchanged as RFC 7523 describes (developers.google.com/identity/protocols/oauth2/service-account).
"""

import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from yarl import URL

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured, SinkRefused
from gateway.sinks.http_client import answers
from gateway.sinks.http_client.answers import Answer
from gateway.sinks.http_client.client import Client, parse_url

_SCOPE = "https://www.googleapis.com/auth/bigquery"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_METADATA = "computeMetadata/v1/instance/service-accounts/default/token"
_MASK = b"********"
_LIFETIME_SECONDS = 3600
_MARGIN_SECONDS = 120
"""A token is renewed this long before it expires, since a request takes time."""


class _Account(msgspec.Struct):
    """The key of a service account, as Google Cloud issues it."""

    client_email: str
    private_key: str
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address
    private_key_id: str = ""


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float = _LIFETIME_SECONDS


class Tokens(Protocol):
    async def fetch(self, client: Client, now: float, /) -> _Token:
        """Return a new token. Raises SinkUnavailable or SinkMisconfigured."""
        ...


class ServiceAccount:
    """Tokens for the key of a service account. Raises ValueError, which repeats no part of the key."""

    def __init__(self, key: Secret) -> None:
        try:
            self._account = msgspec.json.decode(key.reveal(), type=_Account)
            private = load_pem_private_key(self._account.private_key.encode(), None)
            self._url = parse_url(self._account.token_uri)
        except (ValueError, TypeError) as error:
            raise ValueError("expected the key of a service account, as JSON") from error
        if not isinstance(private, RSAPrivateKey):
            raise ValueError("expected the key of a service account with an RSA key")  # noqa: TRY004  # as above
        self._private = private

    async def fetch(self, client: Client, now: float, /) -> _Token:
        header = {"alg": "RS256", "typ": "JWT", "kid": self._account.private_key_id}
        claims = {
            "iss": self._account.client_email,
            "scope": _SCOPE,
            "aud": self._account.token_uri,
            "iat": int(now),
            "exp": int(now) + _LIFETIME_SECONDS,
        }
        signed = f"{_part(header)}.{_part(claims)}"
        signature = self._private.sign(signed.encode(), PKCS1v15(), SHA256())
        form = {"grant_type": _GRANT, "assertion": f"{signed}.{_base64(signature)}"}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return _read(await client.send("POST", self._url, headers, urlencode(form).encode()))


class MetadataServer:
    """Tokens of the service account of this machine, pod or function."""

    async def fetch(self, client: Client, now: float, /) -> _Token:
        host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
        url = parse_url(f"http://{host}/{_METADATA}?scopes={_SCOPE}")
        return _read(await client.send("GET", url, {"Metadata-Flavor": "Google"}, b""))


def tokens(key: Secret) -> Tokens:
    """
    Return the tokens for a key; without one, for GOOGLE_APPLICATION_CREDENTIALS or for this machine.

    Raises SinkMisconfigured if the file that the environment names is not a service account's key.
    """
    if key:
        return ServiceAccount(key)
    path = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if not path:
        return MetadataServer()
    try:
        return ServiceAccount(Secret(Path(path).read_text("utf-8")))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SinkMisconfigured(f"GOOGLE_APPLICATION_CREDENTIALS, {path}: {reason}") from error


class Login:
    """Sends requests with a token that is renewed before it expires. Bound to one event loop."""

    def __init__(self, source: Tokens, client: Client, clock: Callable[[], float] = time.time) -> None:
        self._source = source
        self._client = client
        self._clock = clock
        self._token = ""
        self._expires = 0.0

    async def send(self, method: str, url: URL, headers: dict[str, str], body: bytes) -> Answer:
        """
        Send a request with a valid token, and return the answer with the token masked.

        Raises SinkUnavailable or SinkMisconfigured.
        """
        now = self._clock()
        if now >= self._expires:
            token = await self._source.fetch(self._client, now)
            self._token, self._expires = token.access_token, now + token.expires_in - _MARGIN_SECONDS
        headers = {**headers, "Authorization": f"Bearer {self._token}"}
        answer = await self._client.send(method, url, headers, body)
        return msgspec.structs.replace(answer, body=answer.body.replace(self._token.encode(), _MASK))


def _read(answer: Answer) -> _Token:
    try:
        answers.check(answer)
        return msgspec.json.decode(answer.body, type=_Token)
    except SinkRefused as error:  # the key, or the clock of this machine
        raise SinkMisconfigured(f"{error}, asked for a token", answer=error.answer) from None
    except msgspec.DecodeError as error:
        raise SinkMisconfigured(f"{answer.host} answers without a token") from error


def _part(value: dict[str, Any]) -> str:
    return _base64(msgspec.json.encode(value))


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
