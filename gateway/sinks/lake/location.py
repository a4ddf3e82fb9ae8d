"""Where a table of Delta Lake lies, as its library wants to hear it."""

from typing import NamedTuple
from urllib.parse import urlsplit

from gateway.sinks.storage.address import Address


class Location(NamedTuple):
    """The address of a table, and the options of its store."""

    uri: str
    options: dict[str, str]


_COMMON = {
    "timeout": "30s",  # for a request
    "connect_timeout": "5s",
    "max_retries": "2",  # delivery repeats the batch anyway; these bridge a dropped connection
    "retry_timeout": "30s",
}


def locate(address: Address) -> Location:
    """Return the location of a table. Credentials that are not given are those of the environment."""
    if address.path:
        return Location(str(address.path), {})
    access = address.access_key.reveal() if address.access_key else ""
    secret = address.secret_key.reveal() if address.secret_key else ""
    parts = urlsplit(address.url)
    uri = address.url
    if parts.scheme == "az":  # ours has the account as well
        uri = f"az://{parts.path.strip('/')}"
        given = {"account_name": parts.netloc, "account_key": secret, "azure_endpoint": address.endpoint}
    elif parts.scheme == "gs":
        given = {"service_account_key": secret, "google_base_url": address.endpoint}
    else:
        given = {
            "access_key_id": access,
            "secret_access_key": secret,
            "endpoint": address.endpoint,
            "region": address.region,
            "conditional_put": "etag",  # said although it is the default, which the environment could change
        }
    allowed = {"allow_http": str(address.endpoint.startswith("http://")).lower()}
    return Location(uri, {**_COMMON, **allowed, **{key: value for key, value in given.items() if value}})
