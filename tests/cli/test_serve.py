"""`gateway serve` from outside: it starts or says why not, and comes back from what befalls it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.build import read_all, track
from tests.gateway import DEFAULTS, PATIENCE, Gateway, alive, until

TWO_WORKERS = DEFAULTS.replace("[server]", "[server]\nworkers = 2")


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One for the tests that leave it as it is."""
    with Gateway(tmp_path_factory.mktemp("steady")) as running:
        yield running


def command(folder: Path, config: str, *arguments: str) -> list[str]:
    file = folder / "own.toml"
    file.write_text(config)
    return [sys.executable, "-m", "gateway", "serve", "--config", str(file), *arguments]


def refused(folder: Path, config: str, *arguments: str) -> str:
    """The only line that is said by a gateway that does not start."""
    done = subprocess.run(
        command(folder, config, *arguments), cwd=folder, capture_output=True, timeout=PATIENCE, check=False
    )
    [line] = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (2, b"")
    assert line.startswith("gateway: ")
    return line.removeprefix("gateway: ")


@contextmanager
def started(folder: Path, config: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of which both outputs can be read."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command(folder, config, *arguments), cwd=folder, stdout=pipe, stderr=pipe
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def answers(running: Gateway, key: str) -> int:
    """The status of an event with that key."""
    return running.post("/v1/track", track(writeKey=key)).status


def balanced(running: Gateway, accepted: float) -> bool:
    """Whether so many events have been accepted, and all sums agree."""
    samples = running.metrics()

    def total(start: str) -> float:
        return sum(value for name, value in samples.items() if name.startswith(start))

    sinks = total("gateway_sink_events_total{") + total("gateway_sink_pending_events{")
    refusals = total("gateway_events_refused_total{")
    return (
        total("gateway_events_accepted_total")
        == total("gateway_journal_events_total")
        == sinks
        == accepted
        == total("gateway_events_received_total") - refusals
    )


def tolerantly(attempt: Callable[[], object]) -> object:
    """None where the process was reached that was killed."""
    try:
        return attempt()
    except (OSError, HTTPException):
        return None


def test_it_says_that_it_lives_and_is_ready(steady: Gateway) -> None:
    assert (steady.request("GET", "/healthz").status, steady.request("GET", "/readyz").status) == (200, 200)


def test_its_processes_can_be_told_apart(steady: Gateway) -> None:
    assert sorted(steady.children()) == ["delivery-0", "inspector", "intake-0"]


def test_its_log_is_json_and_holds_no_event_and_no_key(gateway: Callable[..., Gateway]) -> None:
    running = gateway(DEFAULTS.replace('"dev"', '"dev", "SECRET"'))
    answers(running, "SECRET")
    answers(running, "UNKNOWN")

    running.stop()

    lines = [json.loads(line) for line in running.logged().splitlines()]
    assert [line["event"] for line in lines] == ["gateway ready", "gateway stopping", "gateway stopped"]
    assert all(line["level"] == "info" and line["timestamp"] for line in lines)


def test_a_bad_configuration_is_told_of_in_a_line(tmp_path: Path) -> None:
    told = refused(tmp_path, DEFAULTS.replace("json_lines", "json_line"))

    assert told.startswith(f"{tmp_path}/own.toml: [sinks.events] kind: expected one of ")


def test_so_is_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    told = refused(tmp_path, "", "--config", "none.toml")

    assert told == "none.toml: No such file or directory"


def test_so_is_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refused(tmp_path, DEFAULTS, "--port", str(port))

    assert told == (
        f"[server] cannot listen on 127.0.0.1:{port}: Address already in use; choose another, as with --port"
    )
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        pytest.param(
            ["--port", "9000", "--inspector-port", "9000"], "[inspector] port: ", id="two at a port"
        ),
        pytest.param(["--host", "not a host:99"], "[server] host: expected an address ", id="no host"),
        pytest.param(["--host", "a..b"], "[server] host: expected an address ", id="an empty label"),
    ],
)
def test_so_is_an_option_that_contradicts_the_rest(
    tmp_path: Path, arguments: list[str], mistake: str
) -> None:
    assert refused(tmp_path, DEFAULTS, *arguments).startswith(mistake)


def test_so_is_a_port_of_the_inspector_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refused(tmp_path, DEFAULTS, "--inspector-port", str(port))

    assert told.endswith("Address already in use; choose another, as with --inspector-port")


@pytest.mark.parametrize("host", ["203.0.113.1", "nowhere.invalid"])
def test_so_is_an_address_that_is_not_ours(tmp_path: Path, host: str) -> None:
    assert refused(tmp_path, DEFAULTS, "--host", host).startswith(f"[server] cannot listen on {host}:0: ")


def test_so_is_a_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    told = refused(tmp_path, DEFAULTS, "--data", "file/data")

    assert told == f"{tmp_path}/own.toml: [journal] path: {tmp_path}/file is a file; expected a folder"


def test_so_is_another_gateway_with_the_same_data(steady: Gateway, tmp_path: Path) -> None:
    data = steady.folder / "data"

    told = refused(tmp_path, DEFAULTS, "--data", str(data))

    assert told == f"[journal] path: another gateway uses {data}/journal"
    assert answers(steady, "dev") == 200


def test_what_the_command_says_comes_before_what_the_file_says(tmp_path: Path) -> None:
    options = ("--host", "127.0.0.2", "--data", "other", "--workers", "2")
    config = DEFAULTS.replace("[inspector]\nport = 0", "[inspector]\nport = 1")
    with started(tmp_path, config, *options, "--inspector-port", "0") as process:
        assert process.stdout
        assert b" http://127.0.0.2:" in process.stdout.readline()
        process.terminate()
        assert process.wait(PATIENCE) == 0

    assert sorted(path.name for path in (tmp_path / "other/journal").glob("[0-9]")) == ["0", "1"]


def test_where_events_are_printed_nothing_else_is(tmp_path: Path) -> None:
    config = DEFAULTS.replace('kind = "json_lines"\npath = "data/events.jsonl"', 'kind = "stdout"')
    with started(tmp_path, config) as process:
        assert process.stdout
        assert process.stderr
        announced = next(line for line in process.stderr if b"listens on" in line).decode()
        running = Gateway(tmp_path)
        running.port = int(announced.split(",")[0].rpartition(":")[2])
        running.post("/v1/track", track(event="Printed"))
        process.terminate()
        printed = process.stdout.read()

    [line] = printed.splitlines()
    assert json.loads(line)["event"] == "Printed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_answered_before_it_stops(
    gateway: Callable[..., Gateway], number: signal.Signals
) -> None:
    running = gateway()
    body = json.dumps(track()).encode()
    with socket.create_connection(("127.0.0.1", running.port), PATIENCE) as client:
        head = (
            f"POST /v1/track HTTP/1.1\r\nHost: g\r\nX-Write-Key: dev\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        client.sendall(head.encode() + body[:9])
        until(lambda: answers(running, "dev") == 200)  # so that the server has seen what was sent before

        running.process.send_signal(number)
        until(lambda: "gateway stopping" in running.logged())
        client.sendall(body[9:])
        answer = client.recv(65536)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert running.process.wait(PATIENCE) == 0
    assert len(running.events()) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_what_a_terminal_sends_to_all_processes_reaches_only_the_first(
    gateway: Callable[..., Gateway], number: signal.Signals
) -> None:
    running = gateway()
    children = running.children()

    for child in children.values():
        os.kill(child, number)
    answered = running.post("/v1/track", track()).status
    code = running.stop()

    assert (answered, code) == (200, 0)
    assert "Traceback" not in running.logged()
    assert "process ended" not in running.logged()


def test_its_processes_end_when_it_is_killed(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    children = running.children().values()
    assert all(map(alive, children))

    running.crash()

    until(lambda: not any(map(alive, children)))


def test_a_process_that_is_killed_is_started_again_and_counts_on(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    answers(running, "dev")
    until(lambda: balanced(running, 1))
    before = running.children()

    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    until(lambda: set(running.children().values()).isdisjoint(before.values()))
    until(lambda: tolerantly(lambda: answers(running, "dev") == 200))

    until(lambda: tolerantly(lambda: balanced(running, 2)))
    until(lambda: running.children().keys() == before.keys())
    assert len(running.delivered(2)) == 2
    assert running.logged().count("process ended, starting it again") == 3


def test_the_sums_balance_with_several_workers(gateway: Callable[..., Gateway]) -> None:
    running = gateway(TWO_WORKERS)
    journal = running.folder / "data/journal"
    taken = 0

    def both_have_some() -> bool:
        nonlocal taken
        taken += running.post("/v1/track", track()).status == 200
        return all(read_all(journal / name).lines for name in "01" if (journal / name).exists())

    until(lambda: both_have_some() and taken >= 20)
    batch = running.post("/v1/batch", {"batch": [track(), {"type": "track"}, track()]})
    running.post("/v1/track", {"userId": "u1"})
    answers(running, "unknown")

    assert batch.status == 207
    until(lambda: balanced(running, taken + 2))
    assert sum(value for name, value in running.metrics().items() if "events_refused_total" in name) == 3
