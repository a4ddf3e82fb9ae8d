"""What a stream gets: each event once within its window, in order."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.sinks.nats import Nats
from tests.build import event_line
from tests.sinks.batches import batch, batch_of, write
from tests.sinks.nats_example import Stream, ids, sink_in
from tests.sinks.nats_server import NatsServer, nats_server


def example(folder: Path) -> Nats:
    return sink_in(folder)


EXAMPLES = {"": Stream}


@pytest.fixture
def server() -> NatsServer:
    return nats_server()


def test_a_message_is_the_event_with_its_id_and_position(server: NatsServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    write(sink, b"", batch(7, 8, partition="1"))

    [message] = server.messages(sink.stream)
    assert (message.subject, message.data) == (f"{sink.stream}.default.track", event_line(7))
    assert message.headers
    assert (message.headers["Nats-Msg-Id"], message.headers["Position"]) == ("default/m7", "1/7")


def test_names_of_sources_become_tokens_of_subjects(server: NatsServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    names = ("my.shop >*%", "é")

    write(sink, b"", batch_of([event_line(0, source={"name": name, "dialect": "segment"}) for name in names]))

    found = [message.subject.removeprefix(sink.stream) for message in server.messages(sink.stream)]
    assert found == [".my%2Eshop%20%3E%2A%25.track", ".é.track"]


def test_an_id_with_a_line_break_adds_no_header(server: NatsServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    write(sink, b"", batch_of([event_line(0, messageId="a\r\nX-Added: 1")]))

    [message] = server.messages(sink.stream)
    assert message.headers
    assert message.headers["Nats-Msg-Id"] == "default/a%0D%0AX-Added:%201"
    assert "X-Added" not in message.headers


def test_events_that_arrive_again_are_not_stored_again(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    write(sink, b"", batch(0, 4))

    write(sink, b"", batch(0, 4), batch(2, 6), batch(5, 6, origin="replay"))

    assert ids(sink) == ["m0", "m1", "m2", "m3", "m4", "m5"]


def test_an_id_that_a_batch_has_twice_is_stored_once(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    write(sink, b"", batch_of([event_line(0), event_line(1), event_line(0), event_line(2)]))

    assert ids(sink) == ["m0", "m1", "m2"]


def test_the_same_id_of_two_sources_is_stored_twice(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    other = event_line(0, source={"name": "other", "dialect": "segment"})

    write(sink, b"", batch_of([event_line(0), other]))

    assert ids(sink) == ["m0", "m0"]


def mistakes() -> Iterator[Any]:
    secret = Secret("p")
    yield pytest.param({"servers": ()}, "servers", id="no server")
    yield pytest.param({"servers": ("kafka:9092",)}, "servers", id="not an address")
    yield pytest.param({"servers": ("nats://u:p@h",)}, "servers", id="a password in an address")
    yield pytest.param({"servers": ("nats://h", "tls://h")}, "servers", id="some with TLS")
    yield pytest.param({"stream": "a.b"}, "stream", id="a dot in a stream")
    yield pytest.param({"subject": "events.>"}, "subject", id="a wildcard in a subject")
    yield pytest.param({"subject": "{event}"}, "subject", id="an unknown field")
    yield pytest.param({"user": "u"}, "user", id="a user without a password")
    yield pytest.param({"user": "u", "password": secret, "token": secret}, "token", id="user and token")
    yield pytest.param({"ca": Path("/no/such/file")}, "ca", id="a CA that is not there")
    yield pytest.param({"batch_events": 1001}, "batch_events", id="too large a batch")


@pytest.mark.parametrize(("keys", "place"), list(mistakes()))
def test_a_mistake_in_the_table_is_told_at_its_key(keys: dict[str, Any], place: str) -> None:
    found = list(Nats(**{"servers": ("nats://127.0.0.1:4222",), **keys}).check())

    assert [key for key, _ in found] == [place]
