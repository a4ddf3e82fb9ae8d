"""Who sent a request, as far as it can be believed."""

from ipaddress import ip_network

import pytest

from gateway.intake.sender import address, is_device
from tests.build import Door, track

TRUSTED = tuple(map(ip_network, ("10.0.0.0/8", "127.0.0.1/32", "fd00::/8")))


@pytest.mark.parametrize(
    ("peer", "hops", "expected"),
    [
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, 10.0.0.7"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9", "10.0.0.7"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.8, 10.0.0.7"], "10.0.0.8"),
        ("203.0.113.5", ["6.6.6.6"], "203.0.113.5"),
        ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("fd00::1", ["203.0.113.9"], "203.0.113.9"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, , 10.0.0.7"], "10.0.0.7"),
        ("10.0.0.1", ["203.0.113.9\r\n"], "203.0.113.9"),
        ("10.0.0.1", ["\xff\xfe"], "10.0.0.1"),
        ("", ["203.0.113.9"], ""),
        ("10.0.0.1", ["6.6.6.6, " * 1000 + "203.0.113.9"], "203.0.113.9"),
    ],
    ids=[
        "no header",
        "one hop",
        "a forged hop",
        "two proxies",
        "two headers",
        "only proxies",
        "an untrusted peer",
        "a peer on this machine",
        "a port",
        "IPv6 with a port",
        "IPv6",
        "a proxy with IPv6",
        "a proxy with a mapped address",
        "no address",
        "an empty hop",
        "white space",
        "not ASCII",
        "a peer without an address",
        "many hops",
    ],
)
def test_the_client_is_the_last_hop_that_is_no_trusted_proxy(
    peer: str, hops: list[str], expected: str
) -> None:
    assert address(peer, [hop.encode("latin-1") for hop in hops], TRUSTED) == expected


@pytest.mark.parametrize("peer", ["127.0.0.1", "203.0.113.5", "10.0.0.1"])
def test_without_trusted_proxies_nobody_is_believed(peer: str) -> None:
    assert address(peer, [b"6.6.6.6"], ()) == peer


def test_the_address_that_a_trusted_proxy_tells_is_the_events() -> None:
    door = Door(trusted_proxies=["10.0.0.0/8"])
    headers = {"X-Write-Key": "dev", "X-Forwarded-For": "203.0.113.9, 10.0.0.7"}

    door.request(
        "POST", "/v1/track", b'{"userId":"u","event":"E","context":{"direct":true}}', headers, peer="10.0.0.1"
    )

    assert door.event["context"]["ip"] == "203.0.113.9"


def test_the_header_of_anybody_else_is_ignored() -> None:
    door = Door()

    door.post("/v1/track", track(context={"direct": True}), X_Forwarded_For="6.6.6.6")

    assert door.event["context"]["ip"] == "192.0.2.1"


@pytest.mark.parametrize(
    ("header", "device"),
    [(b"origin", True), (b"sec-fetch-site", True), (b"sec-fetch-mode", False), (b"user-agent", False)],
    ids=["Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "User-Agent"],
)
def test_a_device_is_known_by_what_only_browsers_send(header: bytes, device: bool) -> None:
    assert is_device({header: b"x"}) == device
