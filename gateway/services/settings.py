"""
What SDKs fetch before they send: settings that point them back here.

Segment's analytics-next, Swift, Kotlin, C# and React Native ask for /v1/projects/KEY/settings, RudderStack's
SDKs for /sourceConfig. A key that nobody knows gets the same answer: without one analytics-next and Kotlin
would send their events to Segment, and with it the error of the first event says what is wrong.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.dialects.segment import write_key
from gateway.dialects.shared.describing import HEADER_KEYS, QUERY_KEY
from gateway.errors import Refusal
from gateway.intake.sender import Networks, believes
from gateway.operation import Fragment, Operation, Reply, header
from gateway.services.app import DescribedRoute, to_json
from gateway.sources import Sources
from gateway.submission import Submission


class Enabled(msgspec.Struct):
    enabled: bool = True


class HttpConfig(msgspec.Struct, rename="camel"):
    """
    Makes Swift and Kotlin back off when they are asked to, and drop what is refused for good.

    Swift takes what does not say that it is enabled for disabled, Kotlin for enabled.
    """

    rate_limit_config: Enabled = msgspec.field(default_factory=Enabled)
    backoff_config: Enabled = msgspec.field(default_factory=Enabled)


class SegmentIo(msgspec.Struct, rename="camel"):
    """The only integration: with a second one analytics-next would load it from a third party's host."""

    api_key: str
    api_host: str
    """Host, port and path, without a scheme; mobile SDKs put https before it."""
    protocol: str
    http_config: HttpConfig = msgspec.field(default_factory=HttpConfig)


class Sampling(msgspec.Struct, rename="camel"):
    sample_rate: float = 0
    """Without a rate analytics-next reports on itself to Segment."""


class Settings(msgspec.Struct):
    """No field is ever null: Kotlin (1.24) would take its built-in settings, and send to Segment."""

    integrations: dict[str, SegmentIo]
    metrics: Sampling = msgspec.field(default_factory=Sampling)
    plan: dict[str, Any] = {}


class RudderSource(msgspec.Struct, rename="camel"):
    write_key: str
    enabled: bool
    """If not, the SDK says so in its console, and sends nothing."""
    id: str = "gateway"
    name: str = "gateway"
    workspace_id: str = "gateway"
    config: dict[str, Any] = {}
    destinations: list[Any] = []


class SourceConfig(msgspec.Struct):
    source: RudderSource


def routes(sources: Sources, public_url: str, trusted_proxies: Networks) -> list[DescribedRoute]:
    """`public_url` is where clients find the gateway; if it is empty, where the request found it."""

    async def settings(request: Request) -> Response:
        key = request.path_params["key"].removeprefix("projects/")  # a host configured with too much
        protocol, _, host = (public_url or address(request, trusted_proxies)).partition("://")
        segment = SegmentIo(key, f"{host.rstrip('/')}/v1", protocol)
        return to_json(Settings({"Segment.io": segment}), 200, _headers(_refusal(sources, key)))

    async def source_config(request: Request) -> Response:
        headers, query = dict(request.scope["headers"]), request.scope["query_string"]
        key = write_key(Submission("GET", "/sourceConfig", headers, query, b"", "", 0, "")) or ""
        refusal = _refusal(sources, key)
        return to_json(SourceConfig(RudderSource(key, refusal is None)), 200, _headers(refusal))

    return [
        DescribedRoute("/projects/{key:path}/settings", settings, {"GET": _SETTINGS}),
        DescribedRoute("/sourceConfig", source_config, {"GET": _SOURCE_CONFIG}),
    ]


def _refusal(sources: Sources, key: str) -> Refusal | None:
    """Why no event with a key would be taken."""
    try:
        sources.authenticate(key)
    except Refusal as refusal:
        return refusal.with_traceback(None)
    return None


def address(request: Request, trusted_proxies: Networks) -> str:
    """The URL by which a client found us, without a path, as the proxies tell it whom we trust."""
    scheme, host = request.url.scheme, request.headers.get("host", "")
    if request.client and believes(request.client.host, trusted_proxies):
        scheme = _first(request, "x-forwarded-proto") or scheme
        host = _first(request, "x-forwarded-host") or host
    return f"{scheme}://{host}"


def _first(request: Request, name: str) -> str:
    return request.headers.get(name, "").partition(",")[0].strip()


def _headers(refusal: Refusal | None) -> dict[str, str]:
    return {"cache-control": "no-store", "x-gateway-error": refusal.code} if refusal else CACHED


CACHED = {"cache-control": "private, max-age=300"}
"""By the browser alone, since the answer names the address that was used; and not for long: keys change."""

_ERROR = {"X-Gateway-Error": header("Why no event with this key would be taken.")}
KEY_IN_PATH: Fragment = {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}

_SETTINGS = Operation(
    summary="What Segment's SDKs fetch before they send",
    parameters=[KEY_IN_PATH],
    replies={200: Reply("Where to send, for any key.", [Settings], _ERROR)},
)
_SOURCE_CONFIG = Operation(
    summary="What RudderStack's SDKs fetch before they send",
    security={**HEADER_KEYS, **QUERY_KEY},
    anonymous=True,
    replies={200: Reply("That they may send, if the key is known.", [SourceConfig], _ERROR)},
)
