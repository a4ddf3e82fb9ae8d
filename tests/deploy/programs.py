"""Real programs that run what deploy/ ships, each on addresses and files of the test's own."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.gateway import until
from tests.journey import needs

DEPLOY = Path(__file__).parents[2] / "deploy"


def tool(name: str) -> str:
    """Return the path of a program that a Python package brings, installed beside Python or elsewhere."""
    beside = Path(sys.executable).parent / name
    path = str(beside) if beside.exists() else shutil.which(name)
    needs.need(path, f"the program {name} of a Python package; .ci/run installs it")
    return path or ""


def adapted(file: Path, changes: Mapping[str, str]) -> str:
    """Return the text of a file of deploy/ with replacements, each of which must be in it."""
    text = file.read_text()
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in {file}"
        text = text.replace(old, new)
    return text


def check(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command, fail with what it printed unless it succeeds, and return that."""
    done = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@contextmanager
def running(
    folder: Path, port: int, *command: str | Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a server until the end of the block, which begins once it listens on the port of 127.0.0.1."""
    log = folder / "program.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
    try:
        until(lambda: process.poll() is not None or listening(port))
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait()


def listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """Make a throw-away certificate, and return its file and that of its key."""
    chain, key = folder / "chain.pem", folder / "key.pem"
    check(
        *(needs.program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "1", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"),
        *("-out", chain, "-keyout", key),
    )
    return chain, key
