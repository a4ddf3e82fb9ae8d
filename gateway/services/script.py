"""
The operator's own copy of analytics.js, served as Segment's host serves it, for pages with the snippet.

The script is `dist/umd/standalone.js` of the npm package @segment/analytics-next; its bundles, which it loads
when a page needs them, are beside it. Neither is part of the gateway.
"""

import json
import re
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.config.script import KEY
from gateway.errors import Refusal
from gateway.intake.sender import Networks
from gateway.operation import Operation, Reply
from gateway.services.app import DescribedRoute
from gateway.services.settings import CACHED, KEY_IN_PATH, address
from gateway.sources import Sources

_BUNDLE = re.compile(r"[\w-]+\.bundle\.\w+\.js", re.ASCII)
_JAVASCRIPT = "application/javascript; charset=utf-8"
_PATHS = ("platform/analytics.min.js", "analytics.min.js", "analytics.js")
_NOT_CONFIGURED = "No analytics.js is configured; [server] analytics_js names the file."


def routes(sources: Sources, script: Path | None, public_url: str, trusted: Networks) -> list[DescribedRoute]:
    """
    Return the routes of the script and its bundles; without a `script`, they answer 404.

    `public_url` is the gateway's address for pages; if empty, that of the request is used.
    """

    async def show(request: Request) -> Response:
        key = request.path_params["key"]
        try:
            sources.authenticate(key)
        except Refusal as refusal:
            return PlainTextResponse(refusal.message, 404, {"x-gateway-error": refusal.code})
        text = await _read(script)
        if text is None:
            return PlainTextResponse(_NOT_CONFIGURED, 404)
        here = public_url or address(request, trusted)
        text = _point_here(here) + text.replace(KEY, _quote(key))
        return Response(text, 200, CACHED, _JAVASCRIPT)

    async def bundle(request: Request) -> Response:
        name = request.path_params["name"]
        text = await _read(script.with_name(name)) if script and _BUNDLE.fullmatch(name) else None
        if text is None:
            return PlainTextResponse(
                "analytics.js has no such bundle beside it." if script else _NOT_CONFIGURED, 404
            )
        return Response(text, 200, CACHED, _JAVASCRIPT)

    return [
        *(DescribedRoute(f"/analytics.js/v1/{{key:path}}/{path}", show, {"GET": _SCRIPT}) for path in _PATHS),
        DescribedRoute("/analytics-next/bundles/{name}", bundle, {"GET": _LOADED}),
    ]


async def _read(file: Path | None) -> bytes | None:
    """Return the content of a file; None if there is none, or if it cannot be read."""
    try:
        return await anyio.Path(file).read_bytes() if file else None
    except OSError:
        return None


def _point_here(here: str) -> bytes:
    """
    Return code that tells the script the gateway's address.

    Only over https does the script find the host it came from; over http it would load Segment's settings.
    """
    return b"if (window.analytics && !window.analytics._cdn) window.analytics._cdn = %b;\n" % _quote(here)


def _quote(text: str) -> bytes:
    """Return a text as a JavaScript string."""
    return json.dumps(text).encode()


_NOT_FOUND = Reply("Not found; the text says why.", content_type="text/plain")
_SCRIPT = Operation(
    summary="analytics.js with the write key filled in",
    parameters=[KEY_IN_PATH],
    replies={200: Reply("The operator's copy of the script.", content_type=_JAVASCRIPT), 404: _NOT_FOUND},
)
_LOADED = Operation(
    summary="A bundle that analytics.js loads when a page needs it",
    parameters=[{**KEY_IN_PATH, "name": "name"}],
    replies={200: Reply("The bundle.", content_type=_JAVASCRIPT), 404: _NOT_FOUND},
)
