"""
Decide who may use the inspector, before anything else sees a request.

Without a token, everyone on this machine may, but not a page of another site in a browser on this machine.
With a token, only those may who send it or have logged in with it.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.inspector.access import forms
from gateway.inspector.access.attempts import Attempts
from gateway.inspector.access.origins import SAFE_METHODS, is_foreign, is_from_browser, is_loopback
from gateway.inspector.access.sessions import COOKIE, Sessions

FIELD = "csrf"
"""The field of forms that holds their token."""

_PUBLIC = ("/login", "/static/")
_OWN_TOKENS = ("/v2/",)
"""Paths of the event delivery API, which a source's `api_tokens` authorise."""


class Denial(NamedTuple):
    """An answer to a request that may not proceed."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = {}


class Visitor(NamedTuple):
    """The sender of a request that may proceed, as `request.state.visitor`."""

    address: str
    cookie: str
    """The cookie of a valid session; may be empty."""
    form_token: str


class Guard:
    """The ASGI middleware. `refuse` turns a denial into an answer in the format that the client reads."""

    def __init__(
        self,
        app: ASGIApp,
        sessions: Sessions,
        attempts: Attempts,
        refuse: Callable[[Scope, Denial], Response],
    ) -> None:
        self.app = app
        self.sessions = sessions
        self.attempts = attempts
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        address = scope["client"][0] if scope.get("client") else ""
        cookie = self._session(headers)
        denial = self._admit(scope, headers, address, cookie)
        if not denial and scope["method"] not in SAFE_METHODS:
            try:
                body = await forms.read(receive)
                receive = forms.again(body, receive)
                denial = self._check_form(scope, headers, body, cookie)
            except forms.FormTooLarge:
                denial = _TOO_LARGE
            except forms.Disconnected:
                return None
        if denial:
            return await self.refuse(scope, denial)(scope, receive, send)
        visitor = Visitor(address, cookie, self.sessions.form_token(cookie))
        scope.setdefault("state", {})["visitor"] = visitor
        await self.app(scope, receive, send)

    def _session(self, headers: Headers) -> str:
        """Return the cookie of a valid session, or nothing."""
        if not self.sessions.required:
            return ""
        found = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        return found if self.sessions.verify(found) else ""

    def _admit(self, scope: Scope, headers: Headers, address: str, cookie: str) -> Denial | None:
        if not self.sessions.required and not is_loopback(headers.get("host", "")):
            return _WRONG_HOST
        if is_foreign(scope["method"], headers):
            return _FOREIGN
        if not self.sessions.required or cookie or scope["path"].startswith((*_PUBLIC, *_OWN_TOKENS)):
            return None
        given = headers.get("authorization")
        if given is None:
            return _NO_TOKEN
        if wait := self.attempts.wait(address):
            return too_many(wait)
        scheme, _, token = given.partition(" ")
        if scheme.lower() == "bearer" and self.sessions.accepts(token.encode("latin-1")):
            return None
        self.attempts.fail(address)
        return _NO_TOKEN

    def _check_form(self, scope: Scope, headers: Headers, body: bytes, cookie: str) -> Denial | None:
        """Return why a request that changes something may not proceed. Raises FormTooLarge."""
        fields = forms.parse(body) if headers.get("content-type", "").startswith(forms.FORM_TYPE) else {}
        if scope["path"].startswith(_OWN_TOKENS) or not (cookie or is_from_browser(headers)):
            return None
        token = headers.get("x-csrf-token") or fields.get(FIELD, [""])[0]
        return None if self.sessions.accepts_form(token, cookie) else _STALE


def too_many(wait: int) -> Denial:
    """Return the answer to an address that has failed too often."""
    return Denial(
        429,
        "too_many_failures",
        f"Too many wrong tokens came from this address. Try again in {wait} s.",
        {"Retry-After": str(wait)},
    )


_WRONG_HOST = Denial(
    403,
    "host_not_allowed",
    "Without a token, the inspector answers only at a loopback address, such as http://127.0.0.1:8081/. To "
    "use another name, set [inspector] token.",
)
_FOREIGN = Denial(403, "origin_not_allowed", "Another site has sent this request. Nothing was done.")
_NO_TOKEN = Denial(
    401,
    "token_required",
    "The inspector requires Authorization: Bearer with the token of [inspector].",
    {"WWW-Authenticate": "Bearer"},
)
_STALE = Denial(
    403,
    "form_expired",
    "This form has expired, and nothing was done. Go back, reload the page, and try again.",
)
_TOO_LARGE = Denial(413, "body_too_large", "The form is too large.")
