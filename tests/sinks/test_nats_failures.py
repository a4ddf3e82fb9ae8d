"""Failures of NATS: which class they have, that nothing is lost, and that no secret is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.brokers.nats_client import Client
from tests.build import event_line, event_lines
from tests.sinks.batches import batch, batch_of, failure, write
from tests.sinks.nats_example import Impatient, change, ids, sink_in
from tests.sinks.nats_server import PASSWORD, READER, READER_PASSWORD, USER, NatsServer, nats_server


@pytest.fixture
def server() -> NatsServer:
    return nats_server()


def test_a_batch_whose_answer_is_lost_is_stored_once(server: NatsServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    write(sink, b"")
    gated = sink_in(tmp_path, Impatient, servers=(server.gated,))

    with server.gate.at(b"Nats-Batch-Commit", server.gate.cut):
        error = failure(gated, batch(0, 5))
    write(sink, b"", batch(0, 5))

    assert isinstance(error, SinkUnavailable)
    assert ids(sink) == ["m0", "m1", "m2", "m3", "m4"]


def test_a_server_that_is_killed_is_unavailable_and_has_the_events_afterwards(
    server: NatsServer, tmp_path: Path
) -> None:
    sink = sink_in(tmp_path)

    async def write_across_a_kill() -> None:
        async with sink.connect("archive", b"") as connection:
            await connection.write(batch(0, 2))
            server.kill()
            with pytest.raises(SinkUnavailable):
                await connection.write(batch(2, 4))

    anyio.run(write_across_a_kill)
    unreachable = failure(sink)
    server.start()
    write(sink, b"", batch(0, 4))

    assert isinstance(unreachable, SinkUnavailable)
    assert ids(sink) == ["m0", "m1", "m2", "m3"]


def test_one_of_several_servers_suffices(server: NatsServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path, servers=("nats://127.0.0.1:1", server.address))

    write(sink, b"", batch(0, 1))

    assert ids(sink) == ["m0"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({"allow_atomic": False}, "allow_atomic", id="no atomic batches"),
        pytest.param({"duplicate_window": 120}, "duplicate_window of 120 s", id="a short window"),
        pytest.param({"subjects": ["others.*"]}, "no subject", id="other subjects"),
    ],
)
def test_a_stream_that_could_not_keep_the_promise_is_a_misconfiguration(
    tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    sink = sink_in(tmp_path)
    change(sink, **settings)

    error = failure(sink)

    assert isinstance(error, SinkMisconfigured)
    assert words in str(error)


@pytest.mark.parametrize("culprit", [0, 1, 2], ids=["first", "middle", "last"])
def test_an_event_that_is_too_large_for_the_stream_is_named(tmp_path: Path, culprit: int) -> None:
    sink = sink_in(tmp_path)
    change(sink, max_msg_size=1000)
    lines = event_lines(0, 3)
    lines[culprit] = event_line(culprit, properties={"a": "x" * 2000})

    error = failure(sink, batch_of(lines))

    assert isinstance(error, SinkRefused)
    assert {index: found.code for index, found in error.culprits.items()} == {culprit: "too_large"}
    assert ids(sink) == [f"m{index}" for index in error.delivered] == [f"m{n}" for n in range(culprit)]


def test_a_wrong_password_is_a_misconfiguration_and_is_not_told(tmp_path: Path) -> None:
    sink = sink_in(tmp_path, password=Secret("wrong-one"))

    error = failure(sink)

    assert isinstance(error, SinkMisconfigured)
    assert "Authorization Violation" in str(error)
    assert "wrong-one" not in f"{error} {error.answer} {sink!r} {sink.target}"


def test_a_right_that_is_missing_is_a_misconfiguration(tmp_path: Path) -> None:
    write(sink_in(tmp_path), b"")
    sink = sink_in(tmp_path, user=READER, password=Secret(READER_PASSWORD))

    error = failure(sink, batch(0, 1))

    assert isinstance(error, SinkMisconfigured)
    assert "permissions violation" in str(error)


@pytest.fixture(scope="module")
def with_tls() -> Iterator[NatsServer]:
    server = NatsServer(tls=True)
    yield server
    server.remove()


def test_a_certificate_that_no_authority_has_signed_is_a_misconfiguration(
    with_tls: NatsServer, tmp_path: Path
) -> None:
    error = failure(sink_in(tmp_path, servers=(with_tls.address,)))

    assert isinstance(error, SinkMisconfigured)
    assert "certificate verify failed" in str(error)


def test_a_certificate_of_an_authority_that_is_named_is_accepted(
    with_tls: NatsServer, tmp_path: Path
) -> None:
    write(sink_in(tmp_path, servers=(with_tls.address,), ca=with_tls.certificate), b"", batch(0, 1))


def test_a_server_without_tls_where_it_has_to_be_gets_no_password(server: NatsServer, tmp_path: Path) -> None:
    heard: list[str] = []
    sink = sink_in(tmp_path, servers=(server.gated.replace("nats", "tls"),))

    with server.gate.at(PASSWORD.encode(), lambda: heard.append(PASSWORD)):
        error = failure(sink)

    assert isinstance(error, SinkMisconfigured)
    assert heard == []


def test_a_connection_cut_among_single_events_tells_which_are_stored(
    server: NatsServer, tmp_path: Path
) -> None:
    sink = sink_in(tmp_path)
    write(sink, b"", batch(0, 2))
    gated = sink_in(tmp_path, servers=(server.gated,))

    with server.gate.at(b"Position: 0/3\r\n\r\n", server.gate.cut):
        error = failure(gated, batch(0, 5))

    assert isinstance(error, SinkUnavailable)
    assert list(error.delivered) == [0, 1, 2]
    assert ids(sink) == ["m0", "m1", "m2", "m3"]  # of the last one the answer alone was lost


async def reset(client: Client, server: NatsServer) -> None:
    """Have the connection of a client reset while it has something to send, and close it."""
    await client.connect(server.address, user=USER, password=PASSWORD, allow_reconnect=False)
    await client.publish("nowhere", b"unsent")
    assert client._transport
    client._transport._io_writer.transport.abort()  # type: ignore[attr-defined]
    await client.close()


def test_a_client_whose_connection_is_reset_ends_whole(server: NatsServer) -> None:
    client = Client()

    anyio.run(reset, client, server, backend_options={"use_uvloop": True})

    assert client.is_closed


def test_authorities_that_cannot_be_read_are_a_misconfiguration(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")

    error = failure(sink_in(tmp_path, servers=("tls://127.0.0.1:4222",), ca=tmp_path / "ca.pem"))

    assert isinstance(error, SinkMisconfigured)
    assert str(tmp_path / "ca.pem") in str(error)
