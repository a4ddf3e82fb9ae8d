"""What tests of sinks share: a server, and a certificate that nobody knows."""

import subprocess
from pathlib import Path

import pytest

from tests.journey import needs
from tests.sinks import seaweed


@pytest.fixture(scope="session")
def s3() -> seaweed.Server:
    """A running S3 server with a bucket, in which each test uses a prefix of its own."""
    return seaweed.standing()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate of 127.0.0.1, with its key in the same file."""
    file = tmp_path / "certificate.pem"
    subprocess.run(
        [
            *(
                needs.program("openssl"),
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ),
            *("-nodes", "-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", tmp_path / "key.pem", "-out", file),
        ],
        check=True,
        capture_output=True,
    )
    file.write_bytes(file.read_bytes() + (tmp_path / "key.pem").read_bytes())
    return file
