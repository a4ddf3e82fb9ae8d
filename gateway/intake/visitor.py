"""
Recognise visitors whom a page does not identify, by a cookie of the gateway, if the source asks for it.

It is a first-party cookie if the gateway's host name is a subdomain of the site. Browsers keep a cookie that
a server has set longer than one that a script has set, and no script can read it.
"""

import re

import msgspec

from gateway.intake import uuid7
from gateway.message import Message
from gateway.raw import truth
from gateway.sources import Identity
from gateway.submission import Submission

_YEAR_SECONDS = 365 * 24 * 60 * 60
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Visitor(msgspec.Struct, frozen=True):
    """One browser."""

    id: str
    cookie: bytes
    """The Set-Cookie header with which the browser keeps the id for another year."""


def assign_anonymous_id(
    message: Message, *, identity: Identity, submission: Submission, visitors: dict[str, Visitor]
) -> None:
    """
    Give a message without an anonymousId that of its visitor, unless the visitor has opted out.

    `visitors` are those of the submission so far, by the name of their cookie; a new one is added.
    """
    if message.anonymous_id is not None:
        return
    visitor = visitors.get(identity.cookie) or _find_visitor(identity, submission)
    if visitor:
        visitors[identity.cookie] = visitor
        message.anonymous_id = visitor.id
        message.warn("anonymous_id_assumed", "anonymousId", "the gateway's cookie")


def _find_visitor(identity: Identity, submission: Submission) -> Visitor | None:
    """Return the visitor of a browser's cookie, or a new one; None if an opt-out is respected."""
    if identity.heed_opt_out and opts_out(submission):
        return None
    id = _known_id(identity.cookie, submission) or uuid7.generate(submission.received_at)
    domain = f"; Domain={identity.domain}" if identity.domain else ""
    attributes = f"Max-Age={_YEAR_SECONDS}; Path=/; HttpOnly; Secure; SameSite=Lax{domain}"
    return Visitor(id, f"{identity.cookie}={id}; {attributes}".encode())


def opts_out(submission: Submission) -> bool:
    return any(truth.read_text(submission.header(name).strip()) for name in (b"sec-gpc", b"dnt"))


def _known_id(cookie: str, submission: Submission) -> str | None:
    """Return the id in a cookie, if it is one that the gateway could have set."""
    for pair in submission.header(b"cookie").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == cookie and _ID.fullmatch(value):
            return value
    return None
