"""
Settings that SDKs fetch before they send events, and that point them to this gateway.

Segment's analytics-next, Swift, Kotlin, C# and React Native ask for /v1/projects/KEY/settings, RudderStack's
SDKs for /sourceConfig. Unknown keys get the same answer: without it, analytics-next and Kotlin would send
their events to Segment; with it, the error of the first event says what is wrong.
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
    Tells Swift and Kotlin to honour Retry-After, and to drop events that are refused for good.

    Without `enabled`, Swift assumes false and Kotlin true.
    """

    rate_limit_config: Enabled = msgspec.field(default_factory=Enabled)
    backoff_config: Enabled = msgspec.field(default_factory=Enabled)


class SegmentIo(msgspec.Struct, rename="camel"):
    """The only integration: analytics-next would load a second one from a third party's host."""

    api_key: str
    api_host: str
    """Host, port and path, without a scheme; mobile SDKs put https before it."""
    protocol: str
    http_config: HttpConfig = msgspec.field(default_factory=HttpConfig)


class Sampling(msgspec.Struct, rename="camel"):
    sample_rate: float = 0
    """Without a rate, analytics-next reports its own metrics to Segment."""


class Settings(msgspec.Struct):
    """No field is ever null: Kotlin (1.24) would use its built-in settings, and send to Segment."""

    integrations: dict[str, SegmentIo]
    metrics: Sampling = msgspec.field(default_factory=Sampling)
    plan: dict[str, Any] = {}


class RudderSource(msgspec.Struct, rename="camel"):
    write_key: str
    enabled: bool
    """If false, the SDK says so on the console, and sends nothing."""
    id: str = "gateway"
    name: str = "gateway"
    workspace_id: str = "gateway"
    config: dict[str, Any] = {}
    destinations: list[Any] = []


class SourceConfig(msgspec.Struct):
    source: RudderSource


def routes(sources: Sources, public_url: str, trusted_proxies: Networks) -> list[DescribedRoute]:
    """
    Return the routes of the settings.

    `public_url` is the gateway's address for SDKs; if empty, that of the request is used.
    """

    async def settings(request: Request) -> Response:
        key = request.path_params["key"].removeprefix("projects/")  # if the SDK's host has the path too
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
    """Return why events with a key would be refused, or None if they would not."""
    try:
        sources.authenticate(key)
    except Refusal as refusal:
        return refusal.with_traceback(None)
    return None


def address(request: Request, trusted_proxies: Networks) -> str:
    """
    Return the URL that a client called, without a path.

    Scheme and host are taken from X-Forwarded-Proto and X-Forwarded-Host if a trusted proxy sent them.
    """
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
"""Private, since the answer names the address that was used; for five minutes, since keys change."""

_ERROR = {"X-Gateway-Error": header("The code with which events with this key would be refused.")}
KEY_IN_PATH: Fragment = {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}

_SETTINGS = Operation(
    summary="Settings of Segment's SDKs",
    parameters=[KEY_IN_PATH],
    replies={200: Reply("The address to send to, for any key.", [Settings], _ERROR)},
)
_SOURCE_CONFIG = Operation(
    summary="Settings of RudderStack's SDKs",
    security={**HEADER_KEYS, **QUERY_KEY},
    anonymous=True,
    replies={200: Reply("`enabled` is true if the key is known.", [SourceConfig], _ERROR)},
)
