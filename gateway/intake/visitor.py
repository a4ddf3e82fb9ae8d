"""
A visitor whom a page does not name: known by a cookie of the gateway's own, if the source wants it.

It is a first-party cookie where the gateway has a host name below the site's: browsers keep one that a server
has set longer than one that a script has, and no script can read it.
"""

import re

import msgspec

from gateway.intake import uuid7
from gateway.message import Message
from gateway.raw import truth
from gateway.sources import Identity
from gateway.submission import Submission

_YEAR = 365 * 24 * 60 * 60  # seconds
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Visitor(msgspec.Struct, frozen=True):
    id: str
    cookie: bytes
    """The Set-Cookie by which the browser keeps it for another year."""


def assign_anonymous_id(
    message: Message, identity: Identity, submission: Submission, visitors: dict[str, Visitor]
) -> None:
    """
    Give a message the anonymousId of who sent it, if that is to be known.

    `visitors` are those of the submission so far, by cookie; who is new to it is added.
    """
    visitor = visitors.get(identity.cookie) or _visitor_from_cookie(identity, submission)
    if visitor:
        visitors[identity.cookie] = visitor
        message.anonymous_id = visitor.id
        message.warn("anonymous_id_assumed", "anonymousId", "the gateway's cookie")


def _visitor_from_cookie(identity: Identity, submission: Submission) -> Visitor | None:
    """Who a browser's cookie says it is, or somebody new; nobody if it opts out and the source heeds that."""
    if identity.heed_opt_out and _opts_out(submission):
        return None
    id = _known(identity.cookie, submission) or uuid7.generate(submission.received_at)
    domain = f"; Domain={identity.domain}" if identity.domain else ""
    attributes = f"Max-Age={_YEAR}; Path=/; HttpOnly; Secure; SameSite=Lax{domain}"
    return Visitor(id, f"{identity.cookie}={id}; {attributes}".encode())


def _opts_out(submission: Submission) -> bool:
    return any(truth.read_text(submission.header(name).strip()) for name in (b"sec-gpc", b"dnt"))


def _known(cookie: str, submission: Submission) -> str | None:
    """The id that we once gave; what is none of ours is nobody."""
    for pair in submission.header(b"cookie").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == cookie and _ID.fullmatch(value):
            return value
    return None
