"""Storage in a bucket of S3, Google Cloud Storage or Azure, by conditional requests."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
)
from obstore.store import AzureStore, GCSStore, S3Store

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured, SinkUnavailable

_Store = AzureStore | GCSStore | S3Store

SCHEMES = ("s3", "gs", "az")
MAX_ANSWER_CHARACTERS = 4096

_REQUEST = timedelta(seconds=30)
_MAX_RETRIES = 2  # delivery repeats the batch anyway; these bridge a dropped connection
_FOR_AN_OPERATOR = (
    PermissionDeniedError,
    UnauthenticatedError,
    NotSupportedError,
    UnknownConfigurationKeyError,
    FileNotFoundError,  # the bucket
    ValueError,
)
# GenericError is everything else; these words of object_store mark what waiting does not fix.
_EXPLANATIONS = {
    "incorrectly configured region": "the bucket is in another region",
    "InvalidCertificate": "the certificate is not valid for the name, or its authority is not trusted",
    "BadScheme": "the environment names a plain http:// address, which only `endpoint` may",
}
# AlreadyExistsError is also every other 409: for S3, that another request for the name is in progress; for
# Azure, that the container is about to be deleted.
_WORDS_FOR_AN_OBJECT = ("412 Precondition Failed", "BlobAlreadyExists")
_QUERY = re.compile(r"\?[^\s\"<)]*")


class Bucket:
    """Files below the address s3://BUCKET/…, gs://BUCKET/… or az://ACCOUNT/CONTAINER/…."""

    def __init__(
        self,
        url: str,
        *,
        endpoint: str = "",
        region: str = "",
        access_key: Secret | None = None,
        secret_key: Secret | None = None,
    ) -> None:
        """Credentials that are not given come from the environment. Raises SinkMisconfigured."""
        self.where = url
        self._secrets = [each for each in (access_key, secret_key) if each]
        try:
            self._store = _store(url, endpoint, region, access_key, secret_key)
        except (BaseError, ValueError) as error:
            raise self._misconfigured(error) from error

    async def create(self, name: str, content: bytes | memoryview) -> bool:
        try:
            await obstore.put_async(self._store, name, content, mode="create", use_multipart=False)
            return True
        except AlreadyExistsError as error:  # also if the answer to one of our own attempts was lost
            if any(words in str(error) for words in _WORDS_FOR_AN_OBJECT):
                return False
            raise self._unavailable(error) from error
        except _FOR_AN_OPERATOR as error:
            raise self._misconfigured(error) from error
        except BaseError as error:
            for words, explanation in _EXPLANATIONS.items():
                if words in str(error):
                    raise self._misconfigured(error, explanation) from error
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> SinkUnavailable:
        text = self._text(error)
        return SinkUnavailable(f"{self.where}: {_first_line(text)}", answer=text)

    def _misconfigured(self, error: Exception, explanation: str = "") -> SinkMisconfigured:
        text = self._text(error)
        return SinkMisconfigured(f"{self.where}: {explanation or _first_line(text)}", answer=text)

    def _text(self, error: Exception) -> str:
        """Return what a store said, without secrets; signatures can be in the query of an address."""
        text = _QUERY.sub("", str(error).partition("\n\nDebug source:")[0])
        for secret in self._secrets:
            text = text.replace(secret.reveal(), str(secret))
        return text[:MAX_ANSWER_CHARACTERS]


def mistakes(url: str, endpoint: str, region: str, keys: Sequence[Secret | None]) -> list[tuple[str, str]]:
    """Return the key and the text of each mistake in the description of a bucket."""
    found = []
    parts = urlsplit(url)
    folders = [part for part in parts.path.split("/") if part]
    if parts.scheme not in SCHEMES or not parts.netloc or "@" in parts.netloc or parts.query:
        found.append(("url", "expected s3://BUCKET/…, gs://BUCKET/… or az://ACCOUNT/CONTAINER/…"))
    elif parts.scheme == "az" and not folders:
        found.append(("url", "expected a container: az://ACCOUNT/CONTAINER/…"))
    if endpoint and (urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).netloc):
        found.append(("endpoint", "expected an address such as https://s3.example.com"))
    if region and parts.scheme != "s3":
        found.append(("region", "is for s3:// alone"))
    access_key, secret_key = keys
    if access_key and parts.scheme != "s3":
        found.append(("access_key", "is for s3:// alone; an account of Azure is part of its url"))
    elif parts.scheme == "s3" and bool(access_key) != bool(secret_key):
        found.append(("secret_key", "access_key and secret_key go together"))
    return found


def _store(
    url: str, endpoint: str, region: str, access_key: Secret | None, secret_key: Secret | None
) -> _Store:
    parts = urlsplit(url)
    folders = [part for part in parts.path.split("/") if part]
    common: dict[str, Any] = {
        "client_options": {
            "allow_http": endpoint.startswith("http://"),
            "timeout": _REQUEST,
            "connect_timeout": timedelta(seconds=5),
        },
        "retry_config": {"max_retries": _MAX_RETRIES, "retry_timeout": _REQUEST},
    }
    secret = secret_key.reveal() if secret_key else None
    if parts.scheme == "az":
        account, (container, *folders) = parts.netloc, folders
        given = {"account_key": secret, "endpoint": endpoint}
        return AzureStore(container, account_name=account, **_prefixed(folders, given), **common)
    if parts.scheme == "gs":
        given = {"service_account_key": secret, "base_url": endpoint}
        return GCSStore(parts.netloc, **_prefixed(folders, given), **common)
    given = {
        "access_key_id": access_key.reveal() if access_key else None,
        "secret_access_key": secret,
        "endpoint": endpoint,
        "region": region,
    }
    # Set although it is the default, which the environment could change.
    return S3Store(parts.netloc, conditional_put="etag", **_prefixed(folders, given), **common)


def _prefixed(folders: Sequence[str], given: dict[str, str | None]) -> dict[str, Any]:
    """Return the given options, with the prefix of all names."""
    found = {key: value for key, value in given.items() if value}
    return {**found, "prefix": "/".join(folders)} if folders else found


def _first_line(text: str) -> str:
    """Return the start of a text, without the body of an answer."""
    return text.partition(": <")[0].partition("\n")[0]
