"""The places outside a body in which clients put their write key."""

import base64
import binascii

from gateway.submission import Submission


def header_key(submission: Submission) -> str | None:
    """A key in X-Write-Key or in Authorization: Basic (with or without colon and padding)."""
    if key := submission.headers.get(b"x-write-key"):
        return key.decode("utf-8", "replace")
    scheme, _, credentials = submission.headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    credentials = credentials.strip()
    try:
        pair = base64.b64decode(credentials + b"=" * (-len(credentials) % 4))
    except binascii.Error:
        return None
    return pair.partition(b":")[0].decode("utf-8", "replace") or None


def query_key(submission: Submission) -> str | None:
    """A key in the query: `writeKey`, or `writekey` as some senders spell it."""
    if not submission.query:
        return None
    parameters = submission.parameters
    return parameters.get("writeKey") or parameters.get("writekey") or None
