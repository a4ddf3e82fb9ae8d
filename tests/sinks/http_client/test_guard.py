"""No request reaches an address that is not public, unless the sink permits it."""

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.errors import SinkMisconfigured, SinkUnavailable
from gateway.sinks.http_client.client import open_client, parse_url
from gateway.sinks.http_client.guard import is_public
from tests.sinks.chaos import Target

pytestmark = pytest.mark.anyio

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "192.0.0.192",
    "168.63.129.16",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.2.3",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::8.8.8.8",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "100::1",
    "4000::1",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.215.14",
    "2606:4700::1111",
    "2a00:1450:4001:81b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]
LITERALS = [
    "http://127.0.0.1",
    "http://0x7f.1",
    "http://0177.0.0.1",
    "http://2130706433",
    "http://127.1",
    "http://[::1]",
    "http://0",
    "http://[::ffff:127.0.0.1]",
    "http://0.0.0.0",
    "http://①②⑦.⓪.⓪.①",
    "http://169.254.169.254",
    "http://[fd00:ec2::254]",
    "http://100.100.100.200",
    "http://localhost",
    "http://[64:ff9b::7f00:1]",
    "http://[2002:7f00:1::]",
]


class Resolver(AbstractResolver):
    """Resolves each name to the next of the given sets of addresses; one question more fails."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0)
            for each in self.answers.pop(0)
        ]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_inside_a_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("url", LITERALS)
async def test_a_private_address_is_not_connected_to_however_it_is_written(url: str) -> None:
    with Target() as target:
        async with open_client(seconds=30, allow_private=False) as client:
            with pytest.raises(SinkMisconfigured, match=r"not a (public|canonical IPv4) address"):
                await client.send("POST", parse_url(f"{url}:{target.port}"), {}, b"")

    assert target.connections == 0


async def test_a_private_address_is_connected_to_if_that_is_permitted() -> None:
    with Target() as target:
        async with open_client(seconds=30, allow_private=True) as client:
            answer = await client.send("POST", parse_url(target.url), {}, b"")

    assert answer.status == 200


async def test_the_address_that_is_checked_is_the_one_that_is_connected_to() -> None:
    # There is no earlier question, to which a name could give another answer.
    resolver = Resolver(["127.0.0.1"])
    with Target() as target:
        url = parse_url(f"http://rebinding.example:{target.port}")
        async with open_client(seconds=30, allow_private=False, resolver=resolver) as client:
            with pytest.raises(SinkMisconfigured, match=r"rebinding.example:\d+: 127.0.0.1 is not a public"):
                await client.send("POST", url, {}, b"")

    assert (target.connections, resolver.answers) == (0, [])


async def test_every_address_of_a_name_is_checked() -> None:
    resolver = Resolver(["127.0.0.1", "10.0.0.1", "169.254.169.254"])
    with Target() as target:
        url = parse_url(f"http://many.example:{target.port}")
        async with open_client(seconds=30, allow_private=False, resolver=resolver) as client:
            with pytest.raises(SinkMisconfigured, match="not a public address"):
                await client.send("POST", url, {}, b"")

    assert target.connections == 0


async def test_a_name_that_does_not_resolve_may_do_so_later() -> None:
    async with open_client(seconds=30, allow_private=False) as client:
        with pytest.raises(SinkUnavailable, match=r"^nothing\.invalid: "):
            await client.send("POST", parse_url("http://nothing.invalid"), {}, b"")
