"""`gateway check` on the machine: paths that can be written, and with `--connect` sinks that work."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.inspector.trial import SinkFailed, try_to_connect
from gateway.sinks.base import Connection, Sink
from gateway.sinks.locked_file import LockedFile
from gateway.sinks.null import NullConnection
from tests.gateway import Gateway
from tests.homes import unprivileged_user

CONFIG = """
[journal]
path = "data/journal"
[sources.website]
write_keys = ["KEY"]
[sinks.archive]
kind = "json_lines"
path = "files/events.jsonl"
[sinks.nowhere]
kind = "null"
"""


def check(folder: Path, *options: str) -> Result:
    file = folder / "gateway.toml"
    file.write_text(CONFIG)
    return CliRunner().invoke(main, ["check", "--config", str(file), *options])


def connected(result: Result) -> dict[str, str]:
    """What is said of each sink."""
    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    return dict(rest.split(": ", 1) for word, rest in lines if word == "connect")


@pytest.mark.parametrize(
    ("locked", "table"),
    [
        pytest.param("data", "journal", id="a folder above the data folder"),
        pytest.param("data/journal", "journal", id="the data folder"),
        pytest.param("files", "sinks.archive", id="a sink's folder"),
        pytest.param("files/events.jsonl", "sinks.archive", id="a sink's file"),
    ],
)
def test_a_path_that_this_user_cannot_write_is_reported(tmp_path: Path, locked: str, table: str) -> None:
    check(tmp_path)  # imports everything, which the other user might not be able to
    with unprivileged_user() as folder:
        (folder / "data").mkdir()
        (folder / "files").mkdir()
        path = folder / locked
        if path.suffix:
            path.touch()
        else:
            path.mkdir(exist_ok=True)
        path.chmod(0o555)

        result = check(folder)

    problem = f"[{table}] path: this user may not write to {path}"
    assert (result.exit_code, result.stderr) == (1, f"gateway: {problem}\n")
    assert f"{folder}/gateway.toml is valid." in result.stdout


def test_each_sink_that_works_is_ok(tmp_path: Path) -> None:
    result = check(tmp_path, "--connect")

    assert (result.exit_code, connected(result)) == (0, {"archive": "ok", "nowhere": "ok"})
    assert (tmp_path / "files/events.jsonl").read_bytes() == b""


def test_a_sink_that_does_not_work_fails_the_check_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    file = LockedFile(tmp_path / "files/events.jsonl")

    result = check(tmp_path, "--connect")
    file.close()

    assert result.exit_code == 1
    assert connected(result) == {
        "archive": f"error: {file.path}: the file is in use by another process or sink",
        "nowhere": "ok",
    }


def test_a_file_with_events_is_left_as_it_is_and_not_warned_of(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    file = tmp_path / "files/events.jsonl"
    file.write_bytes(b'{"type":"track"}\n{"part')

    result = check(tmp_path, "--connect")

    assert connected(result)["archive"] == "ok"
    assert "unrecorded" not in result.output
    assert file.read_bytes() == b'{"type":"track"}\n{"part'


def test_the_file_of_the_running_gateway_is_in_use(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    running.post("/v1/track", {"userId": "u", "event": "E"})
    running.delivered(1)  # so that it has the file

    result = CliRunner().invoke(main, ["check", "--connect", "--config", str(running.file)])

    assert (result.exit_code, connected(result)) == (0, {"events": "in use by the running gateway"})
    assert running.post("/v1/track", {"userId": "u", "event": "E"}).status == 200
    assert len(running.delivered(2)) == 2


class Silent(Sink):
    """A sink whose target never answers."""

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        await anyio.sleep_forever()
        yield NullConnection()


class Broken(Sink):
    """A sink whose driver fails in its own way."""

    def connect(self, name: str, receipt: bytes) -> AbstractAsyncContextManager[Connection]:
        raise ZeroDivisionError("by zero")


def test_a_sink_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(SinkFailed, match="no answer within 0 s"):
        try_to_connect("silent", Silent(), tmp_path, seconds=0)


def test_any_error_of_a_driver_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SinkFailed, match="ZeroDivisionError: by zero"):
        try_to_connect("broken", Broken(), tmp_path)
