"""What all sinks that send requests have in common: they name their host alone, and can be tried."""

import socket
from pathlib import Path

import pytest
from anyio import to_thread
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured, SinkUnavailable
from gateway.sinks.commandersact import CommandersAct
from gateway.sinks.http import Http
from gateway.sinks.segment import Segment
from tests.config import texts
from tests.gateway import until
from tests.sinks.chaos import Target

HOST = "https://example.com:8443"
PATH = "/path/of?token=secret"


@pytest.mark.parametrize(
    "sink",
    [
        pytest.param(Http(url=Secret(HOST + PATH)), id="http"),
        pytest.param(Segment(url=f"{HOST}/path", write_key=Secret("secret")), id="segment"),
        pytest.param(CommandersAct(url=f"{HOST}/path", site="1", token=Secret("secret")), id="commandersact"),
    ],
)
def test_people_are_told_scheme_and_host_and_nothing_else(sink: Http | Segment | CommandersAct) -> None:
    assert sink.target == HOST


@pytest.mark.anyio
async def test_to_reach_a_target_is_to_connect_and_to_send_nothing() -> None:
    with Target() as target:
        await Http(url=Secret(target.url + PATH), allow_private=True).reach()
        await to_thread.run_sync(until, lambda: target.connections)

    assert (target.connections, target.requests) == (1, [])


@pytest.mark.anyio
async def test_a_private_address_is_not_reached() -> None:
    with Target() as target, pytest.raises(SinkMisconfigured, match=r"127\.0\.0\.1 is not a public address"):
        await Http(url=Secret(target.url)).reach()

    assert target.connections == 0


@pytest.mark.anyio
async def test_where_nothing_listens_the_target_is_unavailable() -> None:
    with pytest.raises(SinkUnavailable, match="Connection refused"):
        await Http(url=Secret(f"http://127.0.0.1:{free_port()}"), allow_private=True).reach()


def test_sinks_test_reaches_the_target(tmp_path: Path) -> None:
    with Target() as target:
        reached = try_sink(tmp_path, target.port)
        until(lambda: target.connections)

    assert (reached.exit_code, reached.output) == (0, "Sink hook can be used.\n")


def test_sinks_test_says_what_is_in_the_way(tmp_path: Path) -> None:
    port = free_port()

    failed = try_sink(tmp_path, port)

    assert (failed.exit_code, failed.stderr) == (1, f"sink hook: 127.0.0.1:{port}: Connection refused\n")


def try_sink(folder: Path, port: int) -> Result:
    table = f'kind = "http"\nurl = "http://127.0.0.1:{port}"\nallow_private = true'
    file = texts.write(folder / "gateway.toml", sinks__hook=table)
    return CliRunner().invoke(main, ["sinks", "test", "hook", "--config", str(file)])


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
