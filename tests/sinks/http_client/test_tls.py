"""Certificates are verified."""

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import SinkMisconfigured
from gateway.sinks.http_client.client import open_client, parse_url
from tests.gateway import PATIENCE
from tests.sinks.chaos import Target

CLIENT = """
import sys
import anyio
from gateway.errors import SinkMisconfigured
from gateway.sinks.http_client.client import open_client, parse_url

async def main():
    async with open_client(seconds=30, allow_private=True) as client:
        try:
            print((await client.send("POST", parse_url(sys.argv[1]), {}, b"")).status)
        except SinkMisconfigured as error:
            print(error)

anyio.run(main)
"""


def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.anyio
async def test_a_certificate_of_an_unknown_authority_is_a_misconfiguration(certificate: Path) -> None:
    with Target(tls=serving(certificate)) as target:
        async with open_client(seconds=30, allow_private=True) as client:
            with pytest.raises(SinkMisconfigured, match=r"^127\.0\.0\.1:\d+: TLS: self.signed certificate"):
                await client.send("POST", parse_url(target.url), {}, b"secret")
            with pytest.raises(SinkMisconfigured, match=r"^127\.0\.0\.1:\d+: TLS: self.signed certificate"):
                await client.reach(parse_url(target.url))

    assert target.requests == []


@pytest.mark.parametrize(
    ("host", "outcome"),
    [
        pytest.param("127.0.0.1", "200", id="its name"),
        pytest.param("localhost", "TLS: Hostname mismatch", id="another name"),
    ],
)
def test_an_authority_of_ones_own_can_be_named_in_the_environment(
    certificate: Path, host: str, outcome: str
) -> None:
    with Target(tls=serving(certificate)) as target:
        found = subprocess.run(
            [sys.executable, "-c", CLIENT, f"https://{host}:{target.port}"],
            env={**os.environ, "SSL_CERT_FILE": str(certificate)},
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )

    assert outcome in found.stdout
