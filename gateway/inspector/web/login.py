"""Log in with the token, and log out."""

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.inspector.access import forms
from gateway.inspector.access.attempts import Attempts
from gateway.inspector.access.guard import Visitor
from gateway.inspector.access.sessions import COOKIE, SESSION_SECONDS, Sessions
from gateway.inspector.web.rendering import Pages

_TARGET = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
"""A path on this site that no browser takes for another site."""


def routes(pages: Pages, sessions: Sessions, attempts: Attempts) -> list[Route]:
    """Return the routes of the login; without a token there is nothing to log in to."""

    async def login(request: Request) -> Response:
        visitor: Visitor = request.state.visitor
        target = _target(request.query_params.get("next", ""))
        if not sessions.required or (visitor.cookie and request.method == "GET"):
            return RedirectResponse(target, 303)
        if request.method == "GET":
            return pages.render(request, "login", target=target, wait=0, failed=False)
        fields = forms.parse(await request.body())
        target = _target(fields.get("next", [""])[0])
        if wait := attempts.wait(visitor.address):
            headers = {"Retry-After": str(wait)}
            return pages.render(request, "login", 429, headers, target=target, wait=wait, failed=True)
        if not sessions.accepts(fields.get("token", [""])[0].strip().encode()):
            attempts.fail(visitor.address)
            return pages.render(request, "login", 403, target=target, wait=0, failed=True)
        answer = RedirectResponse(target, 303)
        answer.set_cookie(
            COOKIE,
            sessions.begin(),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=_is_behind_tls(request),
        )
        return answer

    async def logout(request: Request) -> Response:
        visitor: Visitor = request.state.visitor
        sessions.end(visitor.cookie)
        answer = RedirectResponse("/login" if sessions.required else "/", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    return [
        Route("/login", login, methods=["GET", "POST"]),
        Route("/logout", logout, methods=["POST"]),
    ]


def _is_behind_tls(request: Request) -> bool:
    headers = request.headers
    return headers.get("x-forwarded-proto") == "https" or headers.get("origin", "").startswith("https:")


def _target(path: str) -> str:
    return path if _TARGET.fullmatch(path) else "/"
