"""
Whether a webhook is its sender's: the signatures that senders put into headers.

All are HMACs of the body as it came, once inflated. Where a scheme signs a time, it must be near ours, so
that nobody can send again what he overheard. Standard Webhooks: https://www.standardwebhooks.com; Stripe's:
https://docs.stripe.com/webhooks/signature; GitHub's, Shopify's and Segment's are plain ones.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import Raw

from gateway.errors import BadSignature
from gateway.submission import Submission

_MOST = 16
"""Signatures that are looked at; a sender has two while it changes its secret."""

_SECONDS = re.compile(rb"\d{1,12}")


class Hmac(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signature of the body alone, in a header."""

    header: str
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    """What stands before it in the header."""


Signature = Literal["standard", "stripe", "github", "shopify", "segment"] | Hmac

_PLAIN = {
    "github": Hmac("X-Hub-Signature-256", prefix="sha256="),
    "shopify": Hmac("X-Shopify-Hmac-Sha256", encoding="base64"),
}
_SEGMENT = Hmac("X-Segment-Signature", algorithm="sha1")
_OLD_SEGMENT = Hmac("X-Signature", algorithm="sha1")
"""Still the usual one. Of a batch it may be of the first event alone."""

_list = msgspec.json.Decoder(list[Raw]).decode


def check_secret(signature: Signature | None, secret: str) -> None:
    """Raise the ValueError of a secret with which nothing could be verified; it does not repeat it."""
    if signature is None:
        if secret:
            raise ValueError("the `webhook` names no `signature` to verify with it")
        return
    if not secret:
        raise ValueError("missing, or empty; it verifies the signature that the table asks for")
    if signature == "standard" and not _standard_key(secret):
        raise ValueError("expected base64, after whsec_ or alone")


def verify(signature: Signature, secrets: Sequence[str], tolerance: float, submission: Submission) -> None:
    """Return if the submission was signed with one of the secrets, and not long ago; else BadSignature."""
    if signature == "standard":
        _verify_standard(secrets, tolerance, submission)
    elif signature == "stripe":
        _verify_stripe(secrets, tolerance, submission)
    elif signature == "segment":
        _verify_segment(secrets, submission)
    else:
        plain = signature if isinstance(signature, Hmac) else _PLAIN[signature]
        _verify_plain(plain, secrets, submission.body, submission)


def _verify_standard(secrets: Sequence[str], tolerance: float, submission: Submission) -> None:
    id = _header(submission, "webhook-id")
    if b"." in id:  # it would sign another id with another time just as well
        raise BadSignature("webhook-id: no dot is allowed in it")
    time = _header(submission, "webhook-timestamp")
    _check_time(time, "webhook-timestamp", tolerance, submission)
    given = _header(submission, "webhook-signature").split(b" ", _MOST)
    signed = b"%b.%b.%b" % (id, time, submission.body)
    expected = (hmac.digest(_standard_key(secret), signed, "sha256") for secret in secrets)
    _compare([b"v1," + base64.b64encode(each) for each in expected], given, "webhook-signature")


def _verify_stripe(secrets: Sequence[str], tolerance: float, submission: Submission) -> None:
    # Stripe's secrets begin with whsec_ too, and are used as they stand.
    parts = [part.partition(b"=") for part in _header(submission, "Stripe-Signature").split(b",", _MOST)]
    time = next((value for name, _, value in parts if name == b"t"), b"")
    _check_time(time, "Stripe-Signature", tolerance, submission)
    signed = b"%b.%b" % (time, submission.body)
    expected = [hmac.digest(secret.encode(), signed, "sha256").hex().encode() for secret in secrets]
    given = [value for name, _, value in parts if name == b"v1"]
    _compare(expected, given, "Stripe-Signature")


def _verify_segment(secrets: Sequence[str], submission: Submission) -> None:
    if _SEGMENT.header.lower().encode() in submission.headers:
        return _verify_plain(_SEGMENT, secrets, submission.body, submission)
    try:
        _verify_plain(_OLD_SEGMENT, secrets, submission.body, submission)
    except BadSignature:
        first = _first_entry(submission.body)
        if first is None:
            raise
        _verify_plain(_OLD_SEGMENT, secrets, first, submission)


def _first_entry(body: bytes) -> bytes | None:
    """The first event of a batch, as it stands there; None if there is none."""
    try:
        return next(map(bytes, _list(body)), None)
    except (msgspec.DecodeError, RecursionError):
        return None


def _verify_plain(plain: Hmac, secrets: Sequence[str], signed: bytes, submission: Submission) -> None:
    digests = (hmac.digest(secret.encode(), signed, plain.algorithm) for secret in secrets)
    encode = base64.b64encode if plain.encoding == "base64" else binascii.hexlify
    expected = [plain.prefix.encode() + encode(digest) for digest in digests]
    _compare(expected, [_header(submission, plain.header)], plain.header)


def _header(submission: Submission, name: str) -> bytes:
    value = submission.headers.get(name.lower().encode())
    if not value:
        raise BadSignature(f"{name}: missing")
    return value


def _check_time(text: bytes, header: str, tolerance: float, submission: Submission) -> None:
    if not _SECONDS.fullmatch(text):
        raise BadSignature(f"{header}: no time in seconds since 1970")
    if abs(submission.received_at / 1000 - int(text)) > tolerance:
        raise BadSignature(f"{header}: the time is more than {tolerance:g} s from now")


def _compare(expected: Sequence[bytes], given: Iterable[bytes], header: str) -> None:
    if not any(hmac.compare_digest(each, one) for one in given for each in expected):
        raise BadSignature(f"{header}: it does not fit body and secret")


def _standard_key(secret: str) -> bytes:
    """The secret's bytes; none if it is not base64."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return b""
