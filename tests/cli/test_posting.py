"""`gateway send` and what answers it, or does not: it says so within seconds, and Ctrl-C ends it."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from gateway.cli.importing import ImportFailed
from gateway.cli.main import main
from gateway.cli.posting import Poster
from tests.gateway import PATIENCE, free_ports


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """The address of a server that gives each connection an answer, the last one to all that follow."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        Thread(target=_answer, args=(listener, answers), daemon=True).start()
        yield f"http://127.0.0.1:{port}"
        listener.shutdown(socket.SHUT_RDWR)


def _answer(listener: socket.socket, answers: tuple[bytes, ...]) -> None:
    left = list(answers)
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with suppress(ConnectionError), connection:
            connection.recv(65536)
            connection.sendall(left.pop(0) if len(left) > 1 else left[0])


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers))
    return f"{head}\r\n\r\n".encode() + body


def send(address: str) -> Result:
    return CliRunner().invoke(main, ["send", "-", "--to", address], input=b'{"type":"track"}\n')


STORED = http("200 OK", b'{"success":true}')


def test_an_address_at_which_nothing_answers_is_reported_at_once() -> None:
    port, _ = free_ports()

    result = send(f"http://127.0.0.1:{port}")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"gateway: no gateway answers at http://127.0.0.1:{port}: Connection refused;"
        " is it running, and is --to right?\n"
    )


@pytest.mark.parametrize("address", ["http://", "http://[::1", "http://a b/", "http://127.0.0.1:x"])
def test_an_address_that_cannot_be_one_is_reported(address: str) -> None:
    result = send(address)

    assert result.exit_code == 2
    assert result.stderr.startswith("gateway: no gateway answers at ")
    assert len(result.stderr.splitlines()) == 1


def test_something_else_than_a_web_server_is_reported() -> None:
    with answering(b"SSH-2.0-OpenSSH_10.0\r\n") as address:
        result = send(address)

    assert result.exit_code == 2
    assert f"no gateway answers at {address}: " in result.stderr


def test_a_redirect_is_not_followed_with_the_key() -> None:
    with answering(http("301 Moved", b"", "Location: https://gw.example/")) as address:
        result = send(address)

    assert result.exit_code == 2
    assert f"{address}/healthz is redirected to https://gw.example/" in result.stderr


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests"])
def test_a_gateway_that_asks_for_patience_is_given_it(status: str) -> None:
    waits: list[float] = []
    warnings: list[str] = []
    with answering(http(status, b"", "Retry-After: 7"), STORED) as address:
        found = Poster(address, "dev", warnings.append, waits.append).post(b"{}")

    assert found.success
    assert waits == [7.0]
    assert warnings == [f"{address}/v1/import: {status}; trying again in 7 s"]


def test_a_gateway_that_goes_away_in_an_answer_is_asked_again() -> None:
    waits: list[float] = []
    with answering(b"", STORED) as address:
        found = Poster(address, "dev", print, waits.append).post(b"{}")

    assert found.success
    assert len(waits) == 1


def test_patience_ends() -> None:
    waits: list[float] = []
    with answering(http("503 Service Unavailable", b"", "Retry-After: 100")) as address:
        poster = Poster(address, "dev", print, waits.append)
        with pytest.raises(ImportFailed, match="503 Service Unavailable"):
            poster.post(b"{}")

    assert waits == [100.0, 100.0, 100.0]


def test_after_ctrl_c_the_exit_code_is_130(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("{}\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "gateway", "send", str(file), "--to", address]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
            connection, _ = listener.accept()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE)
            connection.close()

    assert (process.returncode, errors) == (130, b"gateway: interrupted\n")
