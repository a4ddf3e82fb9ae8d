"""Signatures by the senders' own recipes; examples of their documents where there are any."""

import base64
import hashlib
import hmac

import pytest

from gateway.errors import BadSignature
from gateway.submission import Submission
from gateway.webhooks.signature import Hmac, Signature, check_secret, verify

NOW = 1_614_265_330  # seconds
BODY = b'{"test": 2432232314}'
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
WRONG = "v1," + base64.b64encode(bytes(32)).decode()


def verified(
    signature: Signature, secret: str, headers: dict[str, str], body: bytes = BODY, tolerance: float = 300
) -> bool:
    raw = {name.lower().encode(): value.encode("latin-1") for name, value in headers.items()}
    submission = Submission("POST", "/v1/webhook", raw, b"", body, "192.0.2.1", NOW * 1000, "")
    try:
        verify(signature, [secret], tolerance, submission)
    except BadSignature:
        return False
    return True


def sign_standard(time: str = str(NOW), id: str = ID) -> str:
    key = base64.b64decode(STANDARD_SECRET.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id}.{time}.".encode() + BODY, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def standard(time: str = str(NOW), id: str = ID, signature: str = "") -> dict[str, str]:
    signed = signature or sign_standard(time, id)
    return {"webhook-id": id, "webhook-timestamp": time, "webhook-signature": signed}


def sign_stripe(time: str = str(NOW)) -> str:
    return hmac.new(b"whsec_test", f"{time}.".encode() + BODY, hashlib.sha256).hexdigest()


def stripe(text: str) -> dict[str, str]:
    return {"Stripe-Signature": text}


def test_the_example_of_standard_webhooks_is_genuine() -> None:
    documented = standard(signature="v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")

    assert verified("standard", STANDARD_SECRET, documented)
    assert verified("standard", STANDARD_SECRET.removeprefix("whsec_"), documented)


def test_the_example_of_github_is_genuine() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert verified(
        "github", "It's a Secret to Everybody", {"X-Hub-Signature-256": signature}, b"Hello, World!"
    )


def test_stripes_recipe_is_genuine() -> None:
    assert verified("stripe", "whsec_test", stripe(f"t={NOW},v1={sign_stripe()},v0={'0' * 64}"))


def test_shopifys_recipe_is_genuine() -> None:
    digest = base64.b64encode(hmac.new(b"hush", BODY, hashlib.sha256).digest()).decode()

    assert verified("shopify", "hush", {"X-Shopify-Hmac-Sha256": digest})


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_a_plain_one_is_what_its_table_says(algorithm: str, encoding: str) -> None:
    digest = hmac.new(b"hush", BODY, algorithm).digest()
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    plain = Hmac("X-Signature", algorithm, encoding, prefix="v=")  # type: ignore[arg-type] # from a list

    assert verified(plain, "hush", {"X-Signature": f"v={text}"})
    assert not verified(plain, "hush", {"X-Signature": text})


@pytest.mark.parametrize(
    "text",
    [
        f"{WRONG} {sign_standard()}",
        f"{sign_standard()} {WRONG}",
        f"v1a,{'A' * 86} {sign_standard()}",
    ],
    ids=["the second", "the first", "beside another kind"],
)
def test_of_several_one_must_fit(text: str) -> None:
    assert verified("standard", STANDARD_SECRET, standard(signature=text))


def test_of_stripes_several_one_must_fit() -> None:
    assert verified("stripe", "whsec_test", stripe(f"t={NOW},v1={'0' * 64},v1={sign_stripe()}"))


def test_of_a_thousand_not_all_are_looked_at() -> None:
    last = " ".join([WRONG] * 1000 + [sign_standard()])
    stripes = ",".join([f"t={NOW}", *[f"v1={'0' * 64}"] * 1000, f"v1={sign_stripe()}"])

    assert not verified("standard", STANDARD_SECRET, standard(signature=last))
    assert not verified("stripe", "whsec_test", stripe(stripes))


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (str(NOW - 300), True),
        (str(NOW + 300), True),
        (str(NOW - 301), False),
        (str(NOW + 301), False),
        ("1e9", False),
        (f"-{NOW}", False),
        (f" {NOW}", False),
        ("9" * 20, False),
    ],
)
def test_its_time_is_near_ours(time: str, expected: bool) -> None:
    header = stripe(f"t={time},v1={sign_stripe(time)}")

    assert verified("standard", STANDARD_SECRET, standard(time)) is expected
    assert verified("stripe", "whsec_test", header) is expected


def test_how_near_is_for_the_operator_to_say() -> None:
    assert verified("standard", STANDARD_SECRET, standard(str(NOW - 3600)), tolerance=3600)


def test_an_id_with_a_dot_could_mean_another_time() -> None:
    assert not verified("standard", STANDARD_SECRET, standard(id="msg.1"))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_none_of_the_headers_may_be_missing(name: str) -> None:
    assert not verified("standard", STANDARD_SECRET, {**standard(), name: ""})


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"v1={sign_stripe()}",
        f"t={NOW}",
        f"t={NOW},v0={sign_stripe()}",
        f"t={NOW},v1={sign_stripe()[:-1]}",
        f"t={NOW},v1={sign_stripe().upper()}",
        f"t={NOW + 1},v1={sign_stripe()}",
        f"t={NOW},v1=\xe9",
        "t=,v1=",
        ",,==",
    ],
    ids=[
        "nothing",
        "no time",
        "no signature",
        "an older scheme",
        "truncated",
        "in capitals",
        "another time",
        "not ASCII",
        "empty",
        "signs",
    ],
)
def test_what_is_not_stripes_is_refused(text: str) -> None:
    assert not verified("stripe", "whsec_test", stripe(text))


def sign_github(body: bytes = BODY) -> str:
    return hmac.new(b"hush", body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "text",
    ["", sign_github(), f"sha256={sign_github()[:-1]}", f"sha256= {sign_github()}", f"sha1={sign_github()}"],
    ids=["nothing", "no prefix", "truncated", "a space", "another algorithm"],
)
def test_what_is_not_githubs_is_refused(text: str) -> None:
    assert not verified("github", "hush", {"X-Hub-Signature-256": text})


def test_one_byte_more_is_another_body() -> None:
    headers = {"X-Hub-Signature-256": f"sha256={sign_github()}"}

    assert verified("github", "hush", headers)
    assert not verified("github", "hush", headers, BODY + b" ")
    assert not verified("github", "hash", headers)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_???", "whsec_abc", "no base64"])
def test_a_secret_that_verifies_nothing_is_told_without_showing_it(secret: str) -> None:
    with pytest.raises(ValueError, match="base64") as caught:
        check_secret("standard", secret)

    assert secret not in str(caught.value).replace("after whsec_", "")


def sign_segment(body: bytes) -> dict[str, str]:
    return {"X-Signature": hmac.new(b"hush", body, hashlib.sha1).hexdigest()}


FIRST = b'{"type":"track","event":"\\u00e9"}'
BATCH = b'[%b, {"type":"page"}]' % FIRST


@pytest.mark.parametrize(
    ("body", "signed"), [(BODY, BODY), (BATCH, BATCH), (BATCH, FIRST)], ids=["event", "batch", "first event"]
)
def test_segment_signs_an_event_or_a_batch_by_its_first(body: bytes, signed: bytes) -> None:
    assert verified("segment", "hush", sign_segment(signed), body)


def test_segments_newer_header_is_of_the_whole_body_alone() -> None:
    newer = [{"X-Segment-Signature": sign_segment(signed)["X-Signature"]} for signed in (BATCH, FIRST)]
    both = {**sign_segment(BATCH), "X-Segment-Signature": "0" * 40}

    assert [verified("segment", "hush", headers, BATCH) for headers in (*newer, both)] == [True, False, False]


@pytest.mark.parametrize("body", [BODY, BATCH, b"[]", b"[", b"{", b""])
def test_nobody_else_signs_for_segment(body: bytes) -> None:
    headers = [{}, {"X-Signature": "0" * 40}, sign_segment(b'{"type":"page"}'), {"X-Signature": "\xff"}]

    assert not any(verified("segment", "hush", each, body) for each in headers)


@pytest.mark.parametrize("secret", ["new", "old"])
def test_while_a_secret_is_rotated_either_verifies(secret: str) -> None:
    signature = hmac.new(secret.encode(), BODY, "sha256").hexdigest()
    raw = {b"x-hub-signature-256": f"sha256={signature}".encode()}
    submission = Submission("POST", "/v1/webhook", raw, b"", BODY, "192.0.2.1", NOW * 1000, "")

    verify("github", ["new", "old"], 300, submission)
    with pytest.raises(BadSignature):
        verify("github", ["newer", "new" if secret == "old" else "old"], 300, submission)
