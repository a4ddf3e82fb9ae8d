"""Answer when something goes wrong, in the format that the client reads: a page, JSON, or a line of text."""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ExceptionHandler, Scope

from gateway.errors import StateUnavailable
from gateway.inspector.access.guard import Denial
from gateway.inspector.access.origins import SAFE_METHODS
from gateway.inspector.queries.errors import QueryError
from gateway.inspector.web.rendering import Busy, Pages

_RETRY_SECONDS = 5
_TITLES = {
    400: "Invalid request",
    403: "Not allowed",
    404: "Nothing here",
    405: "Not this way",
    413: "Too large",
    429: "Too many tries",
    503: "Not now",
}


class Answers:
    """Makes the answers to requests that are denied, or that cannot be answered."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self.handlers: Mapping[type[Exception], ExceptionHandler] = {
            HTTPException: self._handle,
            QueryError: self._handle,
            StateUnavailable: self._handle,
            OSError: self._handle,
            Busy: self._handle,
            Exception: self._handle,
        }

    def refuse(self, scope: Scope, denial: Denial) -> Response:
        """Return the answer to a denied request; a browser is sent to the login."""
        request = Request(scope)
        if scope["path"].startswith(("/api/", "/v2/")):
            body = {"error": {"code": denial.code, "message": denial.message}}
            return JSONResponse(body, denial.status, denial.headers)
        if not wants_page(request):
            return PlainTextResponse(f"{denial.message}\n", denial.status, denial.headers)
        if denial.status == 401:
            target = _target(scope)
            if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
                # Browsers send a strict cookie only with a request from a page of this site.
                return self._pages.render(request, "bounce", bounce_to=target)
            return RedirectResponse(f"/login?next={quote(target, safe='')}", 303)
        return self._page(request, denial)

    async def _handle(self, request: Request, error: Exception) -> Response:
        return self.refuse(request.scope, _denial(error))

    def _page(self, request: Request, denial: Denial) -> Response:
        headers = dict(denial.headers)
        retry = ""
        if denial.status == 503:
            headers["Retry-After"] = str(_RETRY_SECONDS)
            if request.method in SAFE_METHODS:  # a form's result is not at its address
                headers["Refresh"] = retry = str(_RETRY_SECONDS)
        title = _TITLES.get(denial.status, "That did not work")
        return self._pages.render(
            request,
            "problem",
            denial.status,
            headers,
            title=title,
            message=denial.message,
            retry=retry,
        )


def wants_page(request: Request) -> bool:
    """Return whether the client is a browser that shows a page to a person."""
    return "text/html" in request.headers.get("accept", "").lower()


def _target(scope: Scope) -> str:
    """Return where to go after the login: the request's own target, unless it was a form."""
    if scope["method"] not in SAFE_METHODS:
        return "/"
    query = scope["query_string"].decode("latin-1")
    path = "/" + quote(scope["path"].lstrip("/"))  # after two slashes, the name of another site would follow
    return path + (f"?{query}" if query else "")


def _denial(error: Exception) -> Denial:
    if isinstance(error, QueryError):
        return Denial(error.status, error.code, str(error))
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase
        text = "There is nothing at this address." if error.status_code == 404 else phrase
        return Denial(error.status_code, phrase.lower().replace(" ", "_"), text, error.headers or {})
    if isinstance(error, Busy):
        return Denial(503, "overloaded", str(error))
    if not isinstance(error, StateUnavailable | OSError):  # our bug; the server logs it
        return Denial(500, "internal_error", "The inspector has made a mistake. Its log says more.")
    subject = "The state" if isinstance(error, StateUnavailable) else "The journal"
    return Denial(503, "unavailable", f"{subject} cannot be read: {error}")
