"""The parquet sink and a bucket of a real S3 server: each event once, through outages and restarts."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkUnavailable
from gateway.sinks.base import Batch
from gateway.sinks.parquet import Parquet
from tests.build import event_line
from tests.gateway import Gateway, until
from tests.sinks import seaweed
from tests.sinks.batches import batch, batch_of, write
from tests.sinks.parquet_files import ids, read, rows
from tests.sinks.seaweed import Server


def sink(prefix: str, endpoint: str, partition: str = "date={date}") -> Parquet:
    return Parquet(
        url=f"s3://{seaweed.BUCKET}/{prefix}",
        endpoint=endpoint,
        partition=partition,
        access_key=Secret(seaweed.ACCESS_KEY),
        secret_key=Secret(seaweed.SECRET_KEY),
    )


@contextmanager
def losing_answers(endpoint: str, times: int) -> Iterator[str]:
    """
    Run a proxy that passes each request on, but closes the connection in place of an answer.

    It does so to as many requests of files, and passes all other answers on.
    """
    target = urlsplit(endpoint)
    left = [times]

    def serve(client: socket.socket) -> None:
        address = (str(target.hostname), target.port or 0)
        with suppress(OSError), client, socket.create_connection(address) as server:
            while request := read_request(client):
                server.sendall(request)
                answer = server.recv(65536)
                if b".parquet HTTP" in request and left[0]:
                    left[0] -= 1
                    return
                client.sendall(answer)

    with listening(serve) as port:
        yield f"http://127.0.0.1:{port}"


def read_request(client: socket.socket) -> bytes:
    """Return the next request with its body; nothing if there is none."""
    request = b""
    while part := client.recv(65536):
        request += part
        head, end, body = request.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if end and len(body) >= length:
            return request
    return b""


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Call `serve` in a thread for each connection; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def deliver(target: Parquet, each: Batch) -> int:
    """Write a batch again until it succeeds, as delivery does; return the number of failures."""
    for failures in range(10):
        try:
            write(target, b"", each)
        except SinkUnavailable:
            continue
        return failures
    raise AssertionError("it never succeeds")


def test_a_batch_is_an_object(s3: Server) -> None:
    write(sink("one", s3.endpoint), b"", batch(0, 3))

    assert ids(s3.objects("one")) == ["m0", "m1", "m2"]


def test_a_batch_that_comes_again_changes_nothing(s3: Server) -> None:
    write(sink("again", s3.endpoint), b"", batch(0, 3))
    before = s3.objects("again")

    write(sink("again", s3.endpoint), b"", batch(0, 3), batch(3, 5))

    after = s3.objects("again")
    assert {name: after[name] for name in before} == before
    assert ids(after) == ["m0", "m1", "m2", "m3", "m4"]


@pytest.mark.parametrize("lost", [1, 4], ids=["one answer", "several answers"])
def test_a_target_that_goes_away_in_the_middle_gets_each_event_once(s3: Server, lost: int) -> None:
    prefix = f"lost-{lost}"
    each = batch_of([event_line(n, event=f"e{n}") for n in range(4)])

    with losing_answers(s3.endpoint, lost) as endpoint:
        deliver(sink(prefix, endpoint, "{event}"), each)

    assert sorted(row["position"] for row in rows(s3.objects(prefix))) == ["0/0", "0/1", "0/2", "0/3"]


def test_values_are_escaped_in_the_names_of_objects(s3: Server) -> None:
    names = ["../a b", "é/%", "x" * 300]

    lines = [event_line(n, event=name) for n, name in enumerate(names)]
    write(sink("names", s3.endpoint, "e={event}/{date}"), b"", batch_of(lines))

    found = {
        name.split("/")[0]: read(content) for name, content in s3.objects("names").items() if "=" in name
    }
    assert {row["event"]: folder for folder, [row] in found.items()} == {
        "../a b": "e=%2E.%2Fa%20b",
        "é/%": "e=%C3%A9%2F%25",
        "x" * 300: next(folder for folder in found if folder.startswith("e=xxx")),
    }


def test_a_gateway_delivers_each_event_once_through_a_kill(
    s3: Server, gateway: Callable[..., Gateway]
) -> None:
    running = gateway(
        f"""
        [server]
        port = 0
        [inspector]
        port = 0
        [sources.default]
        write_keys = ["dev"]
        [sinks.lake]
        kind = "parquet"
        url = "s3://{seaweed.BUCKET}/gateway"
        endpoint = "{s3.endpoint}"
        access_key = "{seaweed.ACCESS_KEY}"
        secret_key = "{seaweed.SECRET_KEY}"
        columns = {{revenue = "properties.revenue: number"}}
        roll_time = "0s"
        """
    )

    for number in range(20):
        event = {
            "userId": "u",
            "event": "Order",
            "messageId": f"m{number}",
            "properties": {"revenue": number},
        }
        running.post("/v1/track", event)
        if number == 10:
            running.kill()
            running.start()
    until(lambda: len(rows(s3.objects("gateway"))) >= 20)
    code = running.stop()

    found = {row["id"]: row["revenue"] for row in rows(s3.objects("gateway"))}
    assert found == {f"m{number}": float(number) for number in range(20)}
    assert len(rows(s3.objects("gateway"))) == 20
    assert seaweed.SECRET_KEY not in running.logged()
    assert code == 0
