"""A reload that renews all processes, for new code or another [server]: no request fails meanwhile."""

import http.client
import math
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.build import to_json, track
from tests.gateway import DEFAULTS, PATIENCE, Gateway, free_ports, until
from tests.processes.test_stop import refuses

PACKAGE = Path(__file__).parents[2] / "gateway"


def reload(running: Gateway) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "reload", "--config", str(running.file)]
    environment = running.environment
    return subprocess.run(
        command, cwd=running.folder, env=environment, capture_output=True, text=True, check=False
    )


_IDLE_SECONDS = 0.5


class Senders:
    """Clients that send one event after the other, and remember what went wrong."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sent: list[str] = []
        self.failures: list[str] = []
        self.ended = threading.Event()

    def send(self, name: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        number, answered = 0, math.inf
        while not self.ended.is_set():
            number += 1
            event = to_json(track(event=f"{name} {number}"))
            if time.monotonic() > answered + _IDLE_SECONDS:
                connection.close()  # a process that leaves does so too, after a second
            try:
                connection.request("POST", "/v1/track", event, {"X-Write-Key": "dev"})
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            else:
                answered = time.monotonic()
                self.sent.append(f"{name} {number}")
                self.failures += [] if response.status == 200 else [str(response.status)]
        connection.close()


@contextmanager
def sending(running: Gateway) -> Iterator[Senders]:
    senders = Senders(running.port)
    threads = [threading.Thread(target=senders.send, args=(f"client {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield senders
    finally:
        senders.ended.set()
        for thread in threads:
            thread.join()


def test_new_code_and_more_or_fewer_workers_cost_no_request(
    gateway: Callable[..., Gateway], tmp_path: Path
) -> None:
    shutil.copytree(PACKAGE, tmp_path / "code/gateway", ignore=shutil.ignore_patterns("__pycache__"))
    running = gateway(environment={"PYTHONPATH": str(tmp_path / "code")})
    before = running.children()
    health = tmp_path / "code/gateway/services/health.py"

    with sending(running) as senders:
        until(lambda: len(senders.sent) > 20)
        health.write_text(health.read_text().replace('"ok"', '"new"'))
        renewed = reload(running)
        answer = running.request("GET", "/healthz").json
        running.file.write_text(DEFAULTS.replace("[server]", "[server]\nworkers = 2"))
        enlarged = reload(running)
        two = running.children()
        running.file.write_text(DEFAULTS)
        shrunk = reload(running)
        one = running.children()

    assert [each.returncode for each in (renewed, enlarged, shrunk)] == [0, 0, 0]
    assert renewed.stdout == "The gateway is reloaded.\n"
    assert answer == {"status": "new"}
    assert senders.failures == []
    assert sorted(two) == ["delivery-0", "inspector", "intake-0", "intake-1"]
    assert sorted(one) == ["delivery-0", "inspector", "intake-0"]
    assert not set(before.values()) & set(two.values())
    assert sorted(event["event"] for event in running.drained()) == sorted(senders.sent)
    assert running.metrics()["gateway_events_accepted_total"] == len(senders.sent)
    assert running.stop() == 0


def test_code_that_does_not_start_changes_nothing(gateway: Callable[..., Gateway], tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "code/gateway", ignore=shutil.ignore_patterns("__pycache__"))
    running = gateway(environment={"PYTHONPATH": str(tmp_path / "code")})
    before = running.children()

    (tmp_path / "code/gateway/services/health.py").write_text("import nothing_of_this_name\n")
    done = reload(running)

    assert done.returncode == 2
    assert done.stderr == "gateway: ModuleNotFoundError: No module named 'nothing_of_this_name'\n"
    assert "configuration not reloaded" in running.logged()
    assert running.children() == before
    assert running.post("/v1/track", track()).status == 200


def test_an_address_that_is_taken_changes_nothing(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    before = running.children()
    running.file.write_text(DEFAULTS.replace("port = 0", f"port = {running.inspector_port}", 1))

    done = reload(running)

    assert done.returncode == 2
    assert done.stderr.startswith(f"gateway: [server] cannot listen on 127.0.0.1:{running.inspector_port}: ")
    assert running.children() == before
    assert running.post("/v1/track", track()).status == 200


def test_another_address_takes_the_place_of_the_old_one(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    before = running.port
    server, inspector = free_ports()
    running.file.write_text(
        DEFAULTS.replace("port = 0", f"port = {server}", 1).replace("port = 0", f"port = {inspector}")
    )

    done = reload(running)
    running.port, running.inspector_port = server, inspector

    assert done.returncode == 0
    assert refuses(before)
    assert running.post("/v1/track", track()).status == 200
    until(lambda: running.metrics()["gateway_events_accepted_total"] == 1)


def test_a_reload_in_place_says_when_it_has_taken_effect(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    before = running.children()
    running.file.write_text(DEFAULTS.replace('"dev"', '"dev", "new"'))

    done = reload(running)

    assert (done.returncode, done.stdout, done.stderr) == (0, "The gateway is reloaded.\n", "")
    assert running.post("/v1/track", track(writeKey="new")).status == 200
    assert running.children() == before


def test_without_a_running_gateway_there_is_nothing_to_reload(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    running.stop()

    done = reload(running)

    assert done.returncode == 2
    assert done.stderr == f"gateway: no gateway runs with the data folder {running.folder}/data/journal\n"


def test_a_gateway_in_another_container_is_not_signalled(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    lock = running.folder / "data/journal/LOCK"
    lock.write_text(lock.read_text().replace(str(running.process.pid), str(os.getpid())))

    done = reload(running)

    assert done.returncode == 2
    assert "runs elsewhere, or in another container" in done.stderr
