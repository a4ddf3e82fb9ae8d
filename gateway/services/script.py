"""
The operator's own copy of analytics.js, served as Segment's host serves it: for pages with the snippet.

The script is `dist/umd/standalone.js` of the npm package @segment/analytics-next, and the files beside it are
what it loads when a page needs them. None of it is ours, and none of it is kept here.
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
_NONE = "There is no copy of analytics.js here: [server] analytics_js in the configuration names it."


def routes(sources: Sources, script: Path | None, public_url: str, trusted: Networks) -> list[DescribedRoute]:
    """`script` is the file; without one, these paths say so."""

    async def show(request: Request) -> Response:
        key = request.path_params["key"]
        try:
            sources.authenticate(key)
        except Refusal as refusal:
            return PlainTextResponse(refusal.message, 404, {"x-gateway-error": refusal.code})
        text = await _read(script)
        if text is None:
            return PlainTextResponse(_NONE, 404)
        here = public_url or address(request, trusted)
        text = _point_here(here) + text.replace(KEY, _quote(key))
        return Response(text, 200, CACHED, _JAVASCRIPT)

    async def bundle(request: Request) -> Response:
        name = request.path_params["name"]
        text = await _read(script.with_name(name)) if script and _BUNDLE.fullmatch(name) else None
        if text is None:
            return PlainTextResponse("There is no such bundle beside analytics.js." if script else _NONE, 404)
        return Response(text, 200, CACHED, _JAVASCRIPT)

    return [
        *(DescribedRoute(f"/analytics.js/v1/{{key:path}}/{path}", show, {"GET": _SCRIPT}) for path in _PATHS),
        DescribedRoute("/analytics-next/bundles/{name}", bundle, {"GET": _LOADED}),
    ]


async def _read(file: Path | None) -> bytes | None:
    try:
        return await anyio.Path(file).read_bytes() if file else None
    except OSError:
        return None


def _point_here(here: str) -> bytes:
    """
    The script finds its own host in the page only if that is an https one; from any other it would load
    settings from Segment's.
    """
    return b"if (window.analytics && !window.analytics._cdn) window.analytics._cdn = %b;\n" % _quote(here)


def _quote(text: str) -> bytes:
    """A text as JavaScript writes it between double quotes."""
    return json.dumps(text).encode()


_NOT_THERE = Reply("There is none; the text says why.", content_type="text/plain")
_SCRIPT = Operation(
    summary="analytics.js, with the key filled in",
    parameters=[KEY_IN_PATH],
    replies={200: Reply("The operator's copy of it.", content_type=_JAVASCRIPT), 404: _NOT_THERE},
)
_LOADED = Operation(
    summary="What analytics.js loads when a page needs it",
    parameters=[{**KEY_IN_PATH, "name": "name"}],
    replies={200: Reply("One of its bundles.", content_type=_JAVASCRIPT), 404: _NOT_THERE},
)
