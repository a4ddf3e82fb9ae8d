"""Each scheme's signature has several spellings, all of which are genuine; and secrets may be rotated."""

import base64
import codecs
import gzip
import hashlib
import hmac
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.file import load
from gateway.config.secret import Secrets
from gateway.errors import ConfigError
from gateway.sources import Source
from gateway.webhooks.signature import Hmac, Signature
from tests.build import Door, to_json, track
from tests.webhooks.signing import (
    BODY,
    NOW,
    STANDARD_SECRET,
    github,
    sign_github,
    sign_segment,
    sign_shopify,
    sign_standard,
    sign_stripe,
    standard,
    stripe,
    verified,
)


def url_safe(signature: str) -> str:
    return signature.replace("+", "-").replace("/", "_")


# An id for which the signature has both characters that the two alphabets of base64 write differently.
TELLING = next(id for id in map(str, range(1000)) if {"+", "/"} <= {*sign_standard(id=id)})


@pytest.mark.parametrize("family", ["webhook", "svix", "Webhook", "Svix"])
def test_standard_webhooks_headers_have_two_families_of_names(family: str) -> None:
    assert verified("standard", STANDARD_SECRET, standard(family=family))


def test_the_example_of_svix_is_genuine() -> None:
    documented = standard(
        "1614265330", signature="v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", family="svix"
    )

    assert verified("standard", STANDARD_SECRET, documented)


def test_the_newer_family_outranks_the_older_one() -> None:
    wrong = "v1," + base64.b64encode(bytes(32)).decode()
    both = {**standard(), **standard(signature=wrong, family="svix")}
    swapped = {**standard(signature=wrong), **standard(family="svix")}

    assert verified("standard", STANDARD_SECRET, both)
    assert not verified("standard", STANDARD_SECRET, swapped)


@pytest.mark.parametrize("name", ["id", "timestamp"])
def test_the_two_families_do_not_mix(name: str) -> None:
    mixed = standard(family="svix")
    mixed[f"webhook-{name}"] = mixed.pop(f"svix-{name}")

    assert not verified("standard", STANDARD_SECRET, mixed)


@pytest.mark.parametrize(
    "spell",
    [
        pytest.param(lambda text: text, id="standard"),
        pytest.param(url_safe, id="url-safe"),
        pytest.param(lambda text: text.rstrip("="), id="not padded"),
        pytest.param(lambda text: url_safe(text).rstrip("="), id="url-safe, not padded"),
    ],
)
def test_base64_has_two_alphabets_and_may_be_padded(spell: Callable[[str], str]) -> None:
    plain = Hmac("X-Sign", encoding="base64")

    assert verified(
        "standard", STANDARD_SECRET, standard(id=TELLING, signature=spell(sign_standard(id=TELLING)))
    )
    assert verified("shopify", "hush", {"X-Shopify-Hmac-Sha256": spell(sign_shopify())})
    assert verified(plain, "hush", {"X-Sign": spell(sign_shopify())})


def capitals(headers: dict[str, str]) -> dict[str, str]:
    return {name: value.upper() for name, value in headers.items()}


@pytest.mark.parametrize(
    ("signature", "secret", "headers"),
    [
        ("stripe", "whsec_test", stripe(f"t={NOW},v1={sign_stripe().upper()}")),
        ("stripe", "whsec_test", stripe(f"t={NOW}, v1={sign_stripe()}")),
        ("github", "hush", {"X-Hub-Signature-256": f"sha256={sign_github().upper()}"}),
        ("segment", "hush", capitals(sign_segment(BODY))),
        (Hmac("X-Sign"), "hush", {"X-Sign": sign_github().upper()}),
        (Hmac("X-Sign"), "hush", {"X-Sign": sign_github().title()}),
    ],
    ids=["stripe", "stripe, spaced", "github", "segment", "plain", "plain, in both"],
)
def test_hexadecimal_digits_have_two_cases(
    signature: Signature, secret: str, headers: dict[str, str]
) -> None:
    assert verified(signature, secret, headers)


@pytest.mark.parametrize(
    "text",
    [
        sign_shopify() + "!",
        sign_shopify()[:-4] + "\n" + sign_shopify()[-4:],
        sign_shopify()[:-2],
        sign_shopify() + sign_shopify(),
        sign_shopify().swapcase(),
        sign_github(),
        "=",
        "\xe9",
    ],
    ids=["longer", "folded", "truncated", "twice", "another case", "hexadecimal", "padding", "not ASCII"],
)
def test_what_only_looks_like_base64_is_refused(text: str) -> None:
    assert not verified("shopify", "hush", {"X-Shopify-Hmac-Sha256": text})


@pytest.mark.parametrize(
    "secret",
    [
        STANDARD_SECRET,
        STANDARD_SECRET.removeprefix("whsec_"),
        f"v1,{STANDARD_SECRET}",
        f"{STANDARD_SECRET}==",
    ],
    ids=["prefixed", "alone", "as Supabase shows it", "padded too much"],
)
def test_the_secret_of_standard_webhooks_has_several_spellings(secret: str) -> None:
    assert verified("standard", secret, standard())


def test_a_byte_order_mark_is_signed_although_it_is_removed() -> None:
    key = base64.b64decode(STANDARD_SECRET.removeprefix("whsec_"))
    marked = f"1.{NOW}.".encode() + codecs.BOM_UTF8 + BODY
    signature = "v1," + base64.b64encode(hmac.new(key, marked, hashlib.sha256).digest()).decode()

    assert verified("github", "hush", github(codecs.BOM_UTF8 + BODY))
    assert verified("standard", STANDARD_SECRET, standard(id="1", signature=signature))


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_body_is_signed_before_it_is_compressed(encode: Callable[[bytes], bytes]) -> None:
    door = Door(Source("shop", ("dev",), webhook_secret=Secrets.parse(["new", "hush"])))
    body = codecs.BOM_UTF8 + to_json(track())
    encoding = "gzip" if encode is gzip.compress else "deflate"

    answers = [
        door.request(
            "POST", "/v1/webhook?writeKey=dev", encode(body), {"Content-Encoding": encoding, **signed}
        )
        for signed in (sign_segment(body), sign_segment(encode(body)))
    ]

    assert [answer.status for answer in answers] == [200, 400]
    assert door.event["event"] == "Ordered"


OTHER_STANDARD = "whsec_" + base64.b64encode(b"another-secret-of-24-byt").decode()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_of_several_secrets_may_have_signed(place: int) -> None:
    def among(secret: str, other: str) -> tuple[str, ...]:
        secrets = [other] * 3
        secrets[place] = secret
        return tuple(secrets)

    assert verified("standard", among(STANDARD_SECRET, OTHER_STANDARD), standard())
    assert verified("stripe", among("whsec_test", "old"), stripe(f"t={NOW},v1={sign_stripe()}"))
    assert verified("github", among("hush", "old"), github())
    assert verified("segment", among("hush", "old"), sign_segment(BODY))


def test_a_secret_that_is_not_among_them_has_not_signed() -> None:
    assert not verified("standard", (OTHER_STANDARD, OTHER_STANDARD), standard())
    assert not verified("github", ("old", "older"), github())


def secrets(folder: Path, text: str) -> tuple[str, ...]:
    file = folder / "gateway.toml"
    file.write_text(
        f'[sources.shop]\nwrite_keys = ["KEY"]\nwebhook_secret = {text}\n[sinks.x]\nkind = "null"\n'
    )
    return load(file, None, {"NEW": "new-hush"}).sources["shop"].webhook_secrets


@pytest.mark.parametrize(
    ("text", "expected"),
    [('"hush"', ("hush",)), ('["hush"]', ("hush",)), ('["${NEW}", "hush"]', ("new-hush", "hush"))],
    ids=["a text", "a list of one", "a list"],
)
def test_the_configuration_has_one_secret_or_a_list(
    tmp_path: Path, text: str, expected: tuple[str, ...]
) -> None:
    assert secrets(tmp_path, text) == expected


@pytest.mark.parametrize(
    "text",
    ["[]", '["hush", ""]', "3", "[3]", str(["hush"] * 9)],
    ids=["none", "an empty one", "a number", "a list of numbers", "nine"],
)
def test_a_list_that_secures_nothing_stops_the_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"\[sources.shop\] webhook_secret: ") as caught:
        secrets(tmp_path, text)

    assert "hush" not in str(caught.value)
