"""Signatures by the senders' own recipes, computed by hand."""

import base64
import hashlib
import hmac

from gateway.errors import BadSignature
from gateway.submission import Submission
from gateway.webhooks.signature import Signature, verify

NOW = 1_614_265_330  # seconds
BODY = b'{"test": 2432232314}'
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"


def verified(
    signature: Signature,
    secrets: str | tuple[str, ...],
    headers: dict[str, str],
    body: bytes = BODY,
    tolerance: float = 300,
) -> bool:
    raw = {name.lower().encode(): value.encode("latin-1") for name, value in headers.items()}
    submission = Submission("POST", "/v1/webhook", raw, b"", body, "192.0.2.1", NOW * 1000, "")
    secrets = (secrets,) if isinstance(secrets, str) else secrets
    try:
        verify(signature, secrets, tolerance, submission)
    except BadSignature:
        return False
    return True


def sign_standard(time: str = str(NOW), id: str = ID, secret: str = STANDARD_SECRET) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id}.{time}.".encode() + BODY, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def standard(
    time: str = str(NOW), id: str = ID, signature: str = "", family: str = "webhook"
) -> dict[str, str]:
    signed = signature or sign_standard(time, id)
    return {f"{family}-id": id, f"{family}-timestamp": time, f"{family}-signature": signed}


def sign_stripe(time: str = str(NOW), secret: str = "whsec_test") -> str:
    return hmac.new(secret.encode(), f"{time}.".encode() + BODY, hashlib.sha256).hexdigest()


def stripe(text: str) -> dict[str, str]:
    return {"Stripe-Signature": text}


def sign_github(body: bytes = BODY, secret: str = "hush") -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(body: bytes = BODY, secret: str = "hush") -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={sign_github(body, secret)}"}


def sign_shopify(body: bytes = BODY) -> str:
    return base64.b64encode(hmac.new(b"hush", body, hashlib.sha256).digest()).decode()


def sign_segment(body: bytes) -> dict[str, str]:
    return {"X-Signature": hmac.new(b"hush", body, hashlib.sha1).hexdigest()}
