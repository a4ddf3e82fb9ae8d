"""`gateway send`: what it is given, as files and pipes, and whose progress it keeps."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from tests.gateway import PATIENCE, Gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One for all imports of this file; its events add up."""
    with Gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


def track(user: str, event: str = "Imported") -> dict[str, Any]:
    return {"type": "track", "event": event, "userId": user}


def lines(*events: Any) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def send(gateway: Gateway, file: Path | str, given: bytes = b"", **environment: str) -> Result:
    command = ["send", str(file), "--to", f"http://127.0.0.1:{gateway.port}", "--write-key", "dev"]
    return CliRunner().invoke(main, command, input=given, env=environment)


def arrived(gateway: Gateway, user: str) -> list[str]:
    return [event["event"] for event in gateway.drained() if event.get("userId") == user]


def test_standard_input_is_sent_and_leaves_no_file(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = send(gateway, "-", lines(track("stdin"), {"type": "page"}))

    assert result.exit_code == 1
    assert result.stdout.startswith("-:2: missing_id: ")
    assert result.stderr.endswith("1 accepted, 1 refused.\n")
    assert arrived(gateway, "stdin") == ["Imported"]
    assert list(tmp_path.iterdir()) == []


def test_the_same_input_twice_is_two_imports(gateway: Gateway) -> None:
    for _ in range(2):
        send(gateway, "-", lines(track("again")))

    ids = {event["messageId"] for event in gateway.drained() if event.get("userId") == "again"}
    assert len(ids) == 2


def test_a_compressed_array_is_sent_and_resumed(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "events.json.gz"
    file.write_bytes(gzip.compress(json.dumps([track("array"), 7, track("array", "Second")]).encode()))

    first, second = send(gateway, file), send(gateway, file)

    assert first.stdout.startswith(f"{file}:2: not_an_object: ")
    assert first.stderr.endswith("2 accepted, 1 refused.\n")
    assert f"{file} was sent before" in second.stderr
    assert arrived(gateway, "array") == ["Imported", "Second"]


def test_a_pipe_by_its_name_is_sent(gateway: Gateway, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway", "send", "/dev/fd/0", "--write-key", "dev", "--to"]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{gateway.port}"],
        input=lines(track("pipe")),
        cwd=tmp_path,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    assert arrived(gateway, "pipe") == ["Imported"]


@pytest.mark.parametrize("days", [(150, 50, 0), (50, 150, 50)], ids=["shrinking", "changing"])
def test_each_content_of_a_file_is_sent_whole(
    gateway: Gateway, tmp_path: Path, days: tuple[int, ...]
) -> None:
    file, user = tmp_path / "x.jsonl", f"daily-{days[0]}"

    results = []
    for day, count in enumerate(days):
        file.write_bytes(lines(*(track(user, f"Day {day}") for _ in range(count))))
        results.append(send(gateway, file))

    events = arrived(gateway, user)
    assert [events.count(f"Day {day}") for day in range(3)] == list(days)
    assert [result.exit_code for result in results] == [0, 0, 0]
    assert f"{file}.sent belongs to other content of {file}; starting over" in results[1].stderr


def test_the_same_line_in_another_content_is_another_event(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    for first in ("One", "Two"):
        file.write_bytes(lines(track("same", first), track("same")))
        send(gateway, file)

    ids = {event["messageId"] for event in gateway.drained() if event.get("userId") == "same"}
    assert len(ids) == 4


def test_what_an_unanswered_attempt_left_makes_no_two_events_one(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    for event in ("One", "Two"):
        file.write_bytes(lines(track("unanswered", event)))
        file.with_name("x.jsonl.sent").write_text('{"id": "the same"}')
        send(gateway, file)

    ids = {event["messageId"] for event in gateway.drained() if event.get("userId") == "unanswered"}
    assert len(ids) == 2


def test_what_comes_before_damage_is_sent(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "cut.json"
    file.write_bytes(json.dumps([track("cut"), track("cut", "Second")]).encode()[:-9])

    result = send(gateway, file)

    assert result.exit_code == 2
    assert "1 accepted, 0 refused.\n" in result.stderr
    assert result.stderr.endswith(f"{file}: event 2: Expecting ':' delimiter\n")
    assert arrived(gateway, "cut") == ["Imported"]


def test_a_proxy_of_the_environment_is_not_asked_for_a_loopback_address(gateway: Gateway) -> None:
    result = send(gateway, "-", lines(track("near")), http_proxy="http://127.0.0.1:9")

    assert result.exit_code == 0
