"""The address of a sink's storage, as the keys of its table say it: a folder or a bucket, and credentials."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from gateway.config import paths
from gateway.config.secret import Secret
from gateway.sinks.storage import bucket


class Address(Protocol):
    """The keys of a sink with storage: either a path, or a url with what belongs to it."""

    path: Path | None
    url: str
    endpoint: str
    region: str
    access_key: Secret | None
    secret_key: Secret | None


def mistakes(address: Address) -> Iterator[tuple[str, str]]:
    """Yield the key and the text of each mistake."""
    if address.path is None and not address.url:
        yield "path", "missing; expected a path, or a url"
    elif address.path and address.url:
        yield "url", "there is a path already; expected one of them"
    elif address.path:
        try:
            paths.check_folder(address.path)
        except ValueError as error:
            yield "path", str(error)
        for key in ("endpoint", "region", "access_key", "secret_key"):
            if getattr(address, key):
                yield key, "is for a url; there is a path"
    else:
        keys = (address.access_key, address.secret_key)
        yield from bucket.mistakes(address.url, address.endpoint, address.region, keys)
