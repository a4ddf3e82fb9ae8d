"""Who sent a request, as far as it can be believed."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.intake.sender import address, is_device
from tests.build import Door, to_json, track

TRUSTED = tuple(map(ip_network, ("10.0.0.0/8", "127.0.0.1/32", "fd00::/8")))


HOPS = {
    "no header": ("10.0.0.1", [], "10.0.0.1"),
    "one hop": ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
    "a forged hop": ("10.0.0.1", ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
    "two proxies": ("10.0.0.1", ["203.0.113.9, 10.0.0.7"], "203.0.113.9"),
    "two headers": ("10.0.0.1", ["203.0.113.9", "10.0.0.7"], "203.0.113.9"),
    "only proxies": ("10.0.0.1", ["10.0.0.8, 10.0.0.7"], "10.0.0.8"),
    "an untrusted peer": ("203.0.113.5", ["6.6.6.6"], "203.0.113.5"),
    "an untrusted peer with a mapped address": ("::ffff:203.0.113.5", ["6.6.6.6"], "203.0.113.5"),
    "a peer on this machine": ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
    "a peer without an address": ("", ["203.0.113.9"], ""),
    "a peer at a socket's path": ("/run/gateway.sock", ["203.0.113.9"], "/run/gateway.sock"),
    "a proxy with IPv6": ("fd00::1", ["203.0.113.9"], "203.0.113.9"),
    "a proxy with IPv6 and a zone": ("fd00::1%eth0", ["203.0.113.9"], "203.0.113.9"),
    "a proxy with a mapped address": ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
    "a proxy with a mapped address alone": ("::ffff:10.0.0.1", [], "10.0.0.1"),
    "a hop of a proxy with a mapped address": ("10.0.0.1", ["203.0.113.9, ::ffff:10.0.0.7"], "203.0.113.9"),
    "a port": ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
    "quotes": ("10.0.0.1", ['"203.0.113.9:4711"'], "203.0.113.9"),
    "IPv6": ("10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
    "IPv6 in full": ("10.0.0.1", ["2001:0DB8:0000:0000:0000:0000:0000:0001"], "2001:db8::1"),
    "IPv6 with a port": ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
    "IPv6 in brackets": ("10.0.0.1", ["[2001:db8::1]"], "2001:db8::1"),
    "IPv6 in quotes": ("10.0.0.1", ['"[2001:db8::1]:4711"'], "2001:db8::1"),
    "IPv6 with a zone": ("10.0.0.1", ["[fe80::1%eth0]:4711"], "fe80::1"),
    "a mapped address": ("10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
    "a mapped address in hexadecimal": ("10.0.0.1", ["[::FFFF:cb00:7109]:4711"], "203.0.113.9"),
    "an unknown hop": ("10.0.0.1", ["203.0.113.9, unknown"], "10.0.0.1"),
    "an unknown hop before a proxy": ("10.0.0.1", ["203.0.113.9, unknown, 10.0.0.7"], "10.0.0.7"),
    "an unknown hop before the client": ("10.0.0.1", ["unknown, 203.0.113.9"], "203.0.113.9"),
    "a hidden hop": ("10.0.0.1", ["203.0.113.9, _hidden"], "10.0.0.1"),
    "half an address": ("10.0.0.1", ["203.0.113.9, 203.0.113"], "10.0.0.1"),
    "an address with zeros in front": ("10.0.0.1", ["203.0.113.9, 010.000.000.007"], "10.0.0.1"),
    "an empty hop": ("10.0.0.1", ["203.0.113.9, , 10.0.0.7"], "203.0.113.9"),
    "an empty hop at the end": ("10.0.0.1", ["203.0.113.9,"], "203.0.113.9"),
    "an empty header": ("10.0.0.1", ["203.0.113.9", ""], "203.0.113.9"),
    "only empty hops": ("10.0.0.1", [" , ,"], "10.0.0.1"),
    "white space": ("10.0.0.1", ["203.0.113.9\r\n"], "203.0.113.9"),
    "not ASCII": ("10.0.0.1", ["\xff\xfe"], "10.0.0.1"),
    "many hops": ("10.0.0.1", ["6.6.6.6, " * 1000 + "203.0.113.9"], "203.0.113.9"),
}


@pytest.mark.parametrize(("peer", "hops", "expected"), HOPS.values(), ids=HOPS.keys())
def test_the_client_is_the_last_hop_that_is_no_trusted_proxy(
    peer: str, hops: list[str], expected: str
) -> None:
    assert address(peer, [hop.encode("latin-1") for hop in hops], TRUSTED) == expected


@settings(max_examples=150)
@given(
    st.lists(
        st.text(st.characters(max_codepoint=255), max_size=20)
        | st.sampled_from(
            ["unknown", "", "10.0.0.7", "[", '"', "[::1", "::ffff:10.0.0.7", "1.2.3.4:", ":", "%"]
        )
        | st.ip_addresses().map(str),
        max_size=5,
    )
)
def test_every_header_leads_to_an_address_in_its_shortest_spelling(hops: list[str]) -> None:
    found = address("10.0.0.1", [hop.encode("latin-1") for hop in hops], TRUSTED)

    assert found == str(ip_address(found))
    assert not found.startswith("::ffff:")


@pytest.mark.parametrize("peer", ["127.0.0.1", "203.0.113.5", "10.0.0.1"])
def test_without_trusted_proxies_the_header_is_ignored(peer: str) -> None:
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
    ("peer", "expected"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("2001:db8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::1", "::1"),
        ("203.0.113.5", "203.0.113.5"),
    ],
)
@pytest.mark.parametrize("trusted", [[], ["10.0.0.0/8"]], ids=["no proxies", "proxies elsewhere"])
def test_the_address_of_a_connection_is_stored_in_its_shortest_spelling(
    peer: str, expected: str, trusted: list[str]
) -> None:
    door = Door(trusted_proxies=trusted)
    headers = {"X-Write-Key": "dev", "Origin": "https://shop.example"}

    door.request("POST", "/v1/track", to_json(track()), headers, peer=peer)

    assert door.event["context"]["ip"] == expected


@pytest.mark.parametrize(
    ("header", "device"),
    [(b"origin", True), (b"sec-fetch-site", True), (b"sec-fetch-mode", False), (b"user-agent", False)],
    ids=["Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "User-Agent"],
)
def test_a_device_is_known_by_what_only_browsers_send(header: bytes, device: bool) -> None:
    assert is_device({header: b"x"}) == device
