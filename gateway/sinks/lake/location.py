"""Where a Delta Lake table is, in the form that its library expects."""

from typing import NamedTuple
from urllib.parse import urlsplit

from gateway.sinks.storage.sink import StorageSink


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


def locate(sink: StorageSink) -> Location:
    """Return the location of a table. Credentials that are not given come from the environment."""
    if sink.path:
        return Location(str(sink.path), {})
    access = sink.access_key.reveal() if sink.access_key else ""
    secret = sink.secret_key.reveal() if sink.secret_key else ""
    parts = urlsplit(sink.url)
    uri = sink.url
    if parts.scheme == "az":  # our form includes the account as well
        uri = f"az://{parts.path.strip('/')}"
        given = {"account_name": parts.netloc, "account_key": secret, "azure_endpoint": sink.endpoint}
    elif parts.scheme == "gs":
        given = {"service_account_key": secret, "google_base_url": sink.endpoint}
    else:
        given = {
            "access_key_id": access,
            "secret_access_key": secret,
            "endpoint": sink.endpoint,
            "region": sink.region,
            "conditional_put": "etag",  # set although it is the default, which the environment could change
        }
    allowed = {"allow_http": str(sink.endpoint.startswith("http://")).lower()}
    return Location(uri, {**_COMMON, **allowed, **{key: value for key, value in given.items() if value}})
