"""The files that the pages use: a style sheet, a script and an icon, each at its own address."""

from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOLDER = Path(__file__).with_name("static")
_FILES = {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.suffix in _TYPES}
_DIGESTS = {name: sha256(content).hexdigest()[:16] for name, content in _FILES.items()}


def address(name: str) -> str:
    """Return the path of a file, which changes with its content."""
    return f"/static/{_DIGESTS[name]}/{name}"


async def send(request: Request) -> Response:
    """Answer with a file, which browsers may cache."""
    name = request.path_params["name"]
    if _DIGESTS.get(name) != request.path_params["digest"]:
        raise HTTPException(404)
    return Response(
        _FILES[name],
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
        media_type=_TYPES[Path(name).suffix],
    )
