"""What a stream gets: each event once, whatever is delivered again, through failures of the server."""

import hashlib
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import anyio
import msgspec
import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.base import Batch, Sink
from gateway.sinks.redis import Redis
from tests.build import event_line
from tests.journey.needs import program
from tests.sinks import chaos
from tests.sinks.batches import batch, batch_of, failure, write
from tests.sinks.contract import Example
from tests.sinks.redis_server import PASSWORD, READER, READER_PASSWORD, USER, RedisServer, redis_server


class Impatient(Redis, tag="impatient"):
    write_seconds: ClassVar[float] = 0.5


def sink_in(folder: Path, **keys: Any) -> Redis:
    """Return a sink whose stream is named after the folder of a test."""
    stream = hashlib.sha256(str(folder).encode()).hexdigest()[:20]
    return Redis(**{"url": Secret(redis_server().url()), "stream": stream, **keys})


def example(folder: Path) -> Redis:
    return sink_in(folder)


class Stream(Example):
    has_credentials = True
    faults = ("gone", "slow", "full")

    def __init__(self, folder: Path) -> None:
        self.sink: Redis = sink_in(folder)

    def arrived(self) -> list[str]:
        return redis_server().ids(self.sink.stream)

    def denied(self) -> Sink:
        return msgspec.structs.replace(self.sink, url=Secret(redis_server().url(password="wrong")))

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        server = redis_server()
        url = Secret(server.url(port=server.gate.port))
        if fault == "full":
            server.run("CONFIG", "SET", "maxmemory", 1)
            yield self.sink
            server.run("CONFIG", "SET", "maxmemory", 0)
        else:
            with server.gate.at(b"EVAL", server.gate.cut if fault == "gone" else server.gate.hold):
                yield Impatient(url=url, stream=self.sink.stream)


EXAMPLES = {"": Stream}


@pytest.fixture
def server() -> RedisServer:
    return redis_server()


def test_an_entry_is_the_event_with_its_id_and_position(server: RedisServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    write(sink, b"", batch(7, 8, partition="1"))

    fields = {b"message-id": b"m7", b"position": b"1/7", b"event": event_line(7)}
    assert server.entries(sink.stream) == [fields]


def test_a_replayed_event_is_added_again_and_says_so(server: RedisServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    write(sink, b"", batch(0, 1), batch(0, 1, origin="replay", suffix="~replay-1"))

    assert [entry.get(b"replay") for entry in server.entries(sink.stream)] == [None, b"true"]


def test_a_batch_that_is_longer_than_the_first_time_is_cut(server: RedisServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    write(sink, b"", batch(0, 3))

    write(sink, b"", batch(0, 2), batch(2, 5), batch(3, 5), batch(4, 6))

    assert server.ids(sink.stream) == ["m0", "m1", "m2", "m3", "m4", "m5"]


def test_a_range_whose_events_are_all_written_moves_the_position(server: RedisServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    write(sink, b"", batch(0, 3))

    write(sink, b"", Batch("archive", "0", 0, 9, (1,), batch(1, 2).data), batch(5, 10))

    assert server.ids(sink.stream) == ["m0", "m1", "m2", "m9"]


def test_positions_are_those_of_a_sink_a_partition_and_an_epoch(server: RedisServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    others = ({"sink": "other"}, {"partition": "1"}, {"epoch": 2**64 - 1})

    for _ in range(2):
        write(sink, b"", batch(0, 1), *(msgspec.structs.replace(batch(0, 1), **each) for each in others))

    assert server.ids(sink.stream) == ["m0"] * 4


def test_positions_lie_in_the_slot_of_the_stream(server: RedisServer) -> None:
    server_url = Secret(server.url())
    sinks = [Redis(url=server_url, stream=stream) for stream in ("events", "{shop}:events")]

    slots = [
        [server.run("CLUSTER", "KEYSLOT", key) for key in (each.stream, each.positions)] for each in sinks
    ]

    assert [len(set(pair)) for pair in slots] == [1, 1]


def test_a_stream_with_a_limit_loses_its_oldest_entries(server: RedisServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path, max_len=100)

    write(sink, b"", batch(0, 1000))

    ids = server.ids(sink.stream)
    assert 100 <= len(ids) < 300
    assert ids[-1] == "m999"


def test_with_durable_a_server_without_an_append_only_file_is_a_misconfiguration(
    server: RedisServer, tmp_path: Path
) -> None:
    sink = sink_in(tmp_path, durable=True)
    write(sink, b"", batch(0, 1))

    server.run("CONFIG", "SET", "appendonly", "no")
    error = failure(sink, batch(1, 2))
    server.run("CONFIG", "SET", "appendonly", "yes")

    assert isinstance(error, SinkMisconfigured)
    assert "appendonly" in str(error)
    assert server.ids(sink.stream) == ["m0"]


def test_a_server_that_is_killed_is_unavailable_and_has_the_events_afterwards(
    server: RedisServer, tmp_path: Path
) -> None:
    sink = sink_in(tmp_path, durable=True)

    async def write_across_a_kill() -> None:
        async with sink.connect("archive", b"") as connection:
            await connection.write(batch(0, 2))
            server.kill()
            with pytest.raises(SinkUnavailable):
                await connection.write(batch(2, 4))

    anyio.run(write_across_a_kill)
    server.start()
    write(sink, b"", batch(0, 4))

    assert server.ids(sink.stream) == ["m0", "m1", "m2", "m3"]


def test_a_script_whose_answer_is_lost_is_not_repeated(server: RedisServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    gated = msgspec.structs.replace(sink, url=Secret(server.url(port=server.gate.port)))

    with server.gate.at(b"EVAL", server.gate.cut):
        error = failure(gated, batch(0, 3))
    write(sink, b"", batch(0, 3))

    assert isinstance(error, SinkUnavailable)
    assert server.ids(sink.stream) == ["m0", "m1", "m2"]


@pytest.mark.parametrize(
    ("user", "password", "words"),
    [
        pytest.param("nobody", PASSWORD, "invalid username-password", id="no such user"),
        pytest.param(USER, "wrong-one", "invalid username-password", id="wrong password"),
        pytest.param(READER, READER_PASSWORD, "no permissions", id="no right"),
    ],
)
def test_what_an_operator_must_mend_is_told_without_the_password(
    server: RedisServer, tmp_path: Path, user: str, password: str, words: str
) -> None:
    sink = sink_in(tmp_path, url=Secret(server.url(user, password)))

    error = failure(sink, batch(0, 1))

    assert isinstance(error, SinkMisconfigured)
    assert words in str(error).lower()
    assert password not in f"{error} {error.answer} {sink!r} {sink.target}"


def test_a_key_that_is_no_stream_is_a_misconfiguration(server: RedisServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    server.run("SET", sink.stream, "a text")

    error = failure(sink)

    assert isinstance(error, SinkMisconfigured)


def test_a_replica_is_unavailable(server: RedisServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    server.run("REPLICAOF", "127.0.0.1", 1)
    error = failure(sink, batch(0, 1))
    server.run("REPLICAOF", "NO", "ONE")

    assert isinstance(error, SinkUnavailable)


def test_a_certificate_that_no_authority_has_signed_is_a_misconfiguration(tmp_path: Path) -> None:
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem")
    command = [program("openssl"), "req", "-x509", *key, "-subj", "/CN=127.0.0.1", "-out", "certificate.pem"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")

    with chaos.Target(tls=context) as target:
        error = failure(sink_in(tmp_path, url=Secret(f"rediss://127.0.0.1:{target.port}/0")))

    assert isinstance(error, SinkMisconfigured)
    assert "certificate" in str(error).lower()


def test_lines_that_are_no_events_are_named_at_once(tmp_path: Path) -> None:
    error = failure(sink_in(tmp_path), batch_of([b"{}", event_line(1), b"nonsense"]))

    assert isinstance(error, SinkRefused)
    assert list(error.culprits) == [0, 2]


@pytest.mark.parametrize(
    ("url", "stream"),
    [("http://127.0.0.1", "events"), ("redis://u:a/b@127.0.0.1:x", "events"), ("redis://127.0.0.1", "")],
    ids=["another scheme", "no port", "no stream"],
)
def test_a_mistake_in_the_table_is_told_without_the_address(url: str, stream: str) -> None:
    found = list(Redis(url=Secret(url), stream=stream).check())

    assert [key for key, _ in found] == ["stream" if not stream else "url"]
    assert url not in str(found)


def test_an_unknown_option_of_the_address_is_a_misconfiguration(server: RedisServer, tmp_path: Path) -> None:
    error = failure(sink_in(tmp_path, url=Secret(f"{server.url()}?no_such_option=s3cr3t")))

    assert isinstance(error, SinkMisconfigured)
    assert "s3cr3t" not in str(error)
