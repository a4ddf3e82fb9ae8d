"""
Sessions of operators who have logged in with the token, and the tokens of their forms.

A session is its cookie, signed with a key that is derived from the token: it outlives a restart of the
inspector, and ends when the token is changed.
"""

import hmac
import secrets
import time
from collections.abc import Callable
from hashlib import sha256

SESSION_SECONDS = 12 * 3600
COOKIE = "gateway_session"
_MAX_ENDED = 10_000


class Sessions:
    """
    Issues and verifies sessions and form tokens.

    Without a token there are no sessions; form tokens are then signed with a random key.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        self._token = token.encode()
        self._key = _sign(self._token, "inspector session") if token else secrets.token_hex()
        self._clock = clock
        self._ended: dict[str, float] = {}

    @property
    def required(self) -> bool:
        """True if requests need the token or a session."""
        return bool(self._token)

    def accepts(self, token: bytes) -> bool:
        """Return whether this is the token. Takes the same time whatever is given."""
        return self.required and hmac.compare_digest(sha256(token).digest(), sha256(self._token).digest())

    def begin(self) -> str:
        """Return the cookie of a new session; a cookie that a client sent earlier is never reused."""
        signed = f"{int(self._clock()) + SESSION_SECONDS}.{secrets.token_urlsafe(16)}"
        return f"{signed}.{_sign(self._key.encode(), signed)}"

    def verify(self, cookie: str) -> bool:
        """Return whether a cookie is that of a session that has not ended."""
        signed, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), _sign(self._key.encode(), signed).encode()):
            return False
        return int(signed.partition(".")[0]) > self._clock() and signed not in self._ended

    def end(self, cookie: str) -> None:
        """End a session early, at least until the inspector is restarted."""
        if not self.verify(cookie):
            return
        now = self._clock()
        self._ended = {each: end for each, end in self._ended.items() if end > now}
        if len(self._ended) < _MAX_ENDED:
            self._ended[cookie.rpartition(".")[0]] = now + SESSION_SECONDS

    def form_token(self, cookie: str) -> str:
        """Return the token for the forms of a session; without a cookie, the one for everyone's forms."""
        return _sign(self._key.encode(), f"form {cookie}")

    def accepts_form(self, form_token: str, cookie: str) -> bool:
        """Return whether a form was made for this session. Takes the same time whatever is given."""
        return hmac.compare_digest(form_token.encode(), self.form_token(cookie).encode())


def _sign(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), sha256).hexdigest()
