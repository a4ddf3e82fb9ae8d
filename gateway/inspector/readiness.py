"""Ask the intake of this gateway, as a load balancer does, whether it can store events."""

from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import msgspec

from gateway.config.tables import Server

_TIMEOUT_SECONDS = 2.0
_MAX_BYTES = 4096
_SILENT = "it does not answer"


class _Answer(msgspec.Struct):
    status: str


def unready(server: Server) -> str:
    """Return why the intake cannot store events now; empty if it can, or if its port is not configured."""
    if not server.port:
        return ""
    host = f"[{server.host}]" if ":" in server.host else server.host
    try:
        with build_opener(ProxyHandler({})).open(
            f"http://{host}:{server.port}/readyz", timeout=_TIMEOUT_SECONDS
        ):
            return ""
    except HTTPError as error:
        try:
            return msgspec.json.decode(error.read(_MAX_BYTES), type=_Answer).status
        except (msgspec.DecodeError, OSError, HTTPException):
            return _SILENT
    except (OSError, HTTPException, ValueError):
        return _SILENT
