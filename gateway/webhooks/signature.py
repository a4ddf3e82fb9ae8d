"""
Signatures with which senders of webhooks, including the gateway, prove who they are.

All are HMACs of the body as it was sent, with its Content-Encoding undone. If a scheme signs a time, the time
must be near ours, to prevent replays. Standard Webhooks: https://www.standardwebhooks.com, and under older
names https://docs.svix.com/receiving/verifying-payloads/how-manual; Stripe:
https://docs.stripe.com/webhooks/signature; GitHub, Shopify and Segment sign only the body.
"""

import base64
import binascii
import codecs
import hmac
import re
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Raw

from gateway.errors import BadSignature
from gateway.submission import Submission

_MAX_SIGNATURES = 16
"""Any more are ignored; a sender has two while it changes its secret."""

_SECONDS = re.compile(rb"\d{1,12}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")

Encoding = Literal["hex", "base64"]
Algorithm = Literal["sha256", "sha1", "sha512"]


class Hmac(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signature of only the body, in a header."""

    header: str
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    """The text before the signature in the header."""


Signature = Literal["standard", "stripe", "github", "shopify", "segment"] | Hmac

_PLAIN = {
    "github": Hmac("X-Hub-Signature-256", prefix="sha256="),
    "shopify": Hmac("X-Shopify-Hmac-Sha256", encoding="base64"),
}
_SEGMENT = Hmac("X-Segment-Signature", algorithm="sha1")
_OLD_SEGMENT = Hmac("X-Signature", algorithm="sha1")
"""Still the more common scheme. In a batch it may sign only the first event."""

_list = msgspec.json.Decoder(list[Raw]).decode


class Claim(msgspec.Struct, frozen=True):
    """Digests, one of which must be that of the signed bytes."""

    header: str
    signed: bytes
    digests: Sequence[bytes]
    algorithm: Algorithm = "sha256"


def check_secret(signature: Signature | None, secret: str) -> None:
    """Raise ValueError for a secret that verifies nothing; its text does not repeat the secret."""
    if signature is None:
        if secret:
            raise ValueError("the `webhook` names no `signature` to verify with it")
        return
    if not secret:
        raise ValueError("missing, or empty; it verifies the signature that the table asks for")
    if signature == "standard" and not _standard_key(secret):
        raise ValueError("expected base64, after whsec_ or alone")


def verify(signature: Signature, secrets: Sequence[str], tolerance: float, submission: Submission) -> None:
    """
    Raise BadSignature unless the submission is signed with one of the secrets.

    A signed time may be `tolerance` seconds from the time of receiving.
    """
    keys = [_standard_key(secret) if signature == "standard" else secret.encode() for secret in secrets]
    claims = _claims(signature, tolerance, submission)
    if any(_holds(claim, key) for claim in claims for key in keys):
        return
    # intake/body.py removes a byte order mark; a sender that writes one has signed it too.
    marked = msgspec.structs.replace(submission, body=codecs.BOM_UTF8 + submission.body)
    if not any(_holds(claim, key) for claim in _claims(signature, tolerance, marked) for key in keys):
        raise BadSignature(f"{claims[0].header}: it does not fit body and secret")


def sign(secrets: Sequence[str], id: str, time: int, body: bytes) -> str:
    """
    Return the `webhook-signature` of a webhook that we send: one signature for each secret.

    The secrets must have passed `check_secret` for "standard". `time` is in seconds since 1970.
    """
    signed = b"%b.%d.%b" % (id.encode(), time, body)
    digests = (hmac.digest(_standard_key(secret), signed, "sha256") for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def _holds(claim: Claim, key: bytes) -> bool:
    expected = hmac.digest(key, claim.signed, claim.algorithm)
    return any(hmac.compare_digest(expected, digest) for digest in claim.digests)


def _claims(signature: Signature, tolerance: float, submission: Submission) -> list[Claim]:
    """Return at least one claim. Raises BadSignature if the headers have none or the time is too far off."""
    if isinstance(signature, Hmac):
        return [_claim_plain(signature, submission)]
    if signature == "standard":
        return [_claim_standard(tolerance, submission)]
    if signature == "stripe":
        return [_claim_stripe(tolerance, submission)]
    if signature == "segment":
        return _claims_segment(submission)
    return [_claim_plain(_PLAIN[signature], submission)]


def _claim_standard(tolerance: float, submission: Submission) -> Claim:
    headers = submission.headers
    family = "svix" if b"svix-signature" in headers and b"webhook-signature" not in headers else "webhook"
    id = _header(submission, f"{family}-id")
    if b"." in id:  # the same signature would fit another id with another time
        raise BadSignature(f"{family}-id: no dot is allowed in it")
    time = _header(submission, f"{family}-timestamp")
    _check_time(time, f"{family}-timestamp", tolerance, submission)
    header = f"{family}-signature"
    versions = _header(submission, header).split(b" ", _MAX_SIGNATURES)[:_MAX_SIGNATURES]
    parts = [version.partition(b",") for version in versions]
    digests = [_decode_base64(value) for name, _, value in parts if name == b"v1"]
    return Claim(header, b"%b.%b.%b" % (id, time, submission.body), digests)


def _claim_stripe(tolerance: float, submission: Submission) -> Claim:
    # Stripe's secrets also begin with whsec_, and are used as they are.
    header = "Stripe-Signature"
    text = _header(submission, header).split(b",", _MAX_SIGNATURES)
    parts = [part.strip().partition(b"=") for part in text[:_MAX_SIGNATURES]]
    time = next((value for name, _, value in parts if name == b"t"), b"")
    _check_time(time, header, tolerance, submission)
    digests = [_decode_hex(value) for name, _, value in parts if name == b"v1"]
    return Claim(header, b"%b.%b" % (time, submission.body), digests)


def _claims_segment(submission: Submission) -> list[Claim]:
    if _SEGMENT.header.lower().encode() in submission.headers:
        return [_claim_plain(_SEGMENT, submission)]
    whole = _claim_plain(_OLD_SEGMENT, submission)
    first = _first_entry(submission.body)
    return [whole] if first is None else [whole, msgspec.structs.replace(whole, signed=first)]


def _first_entry(body: bytes) -> bytes | None:
    """Return the first event of a batch, byte for byte; None without one."""
    try:
        return next(map(bytes, _list(body)), None)
    except (msgspec.DecodeError, RecursionError):
        return None


def _claim_plain(plain: Hmac, submission: Submission) -> Claim:
    text = _header(submission, plain.header)
    prefix = plain.prefix.encode()
    if not text.startswith(prefix):
        raise BadSignature(f"{plain.header}: it does not begin with {plain.prefix}")
    decode = _decode_base64 if plain.encoding == "base64" else _decode_hex
    return Claim(plain.header, submission.body, [decode(text[len(prefix) :])], plain.algorithm)


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


def _decode_hex(text: bytes) -> bytes:
    """Decode hexadecimal digits in either case; return an empty value, which no digest is, for other text."""
    try:
        return binascii.unhexlify(text)
    except binascii.Error:
        return b""


def _decode_base64(text: bytes) -> bytes:
    """Decode either alphabet of RFC 4648, padded or not; return an empty value for other text."""
    text = text.translate(_URL_SAFE).rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return b""


def _standard_key(secret: str) -> bytes:
    """Return the secret's bytes; empty if it is not base64. Supabase writes "v1," before it."""
    try:
        return _decode_base64(secret.removeprefix("v1,").removeprefix("whsec_").encode("ascii"))
    except UnicodeEncodeError:
        return b""
