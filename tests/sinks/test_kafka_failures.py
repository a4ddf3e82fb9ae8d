"""Failures of brokers: which class they have, that nothing is lost, and that no secret is told."""

from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import anyio
import pytest
from confluent_kafka import KafkaError

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.brokers.excerpt import read
from gateway.sinks.kafka import Kafka, delivered_of
from tests.build import event_line, event_lines
from tests.sinks.batches import batch, batch_of, failure, write
from tests.sinks.kafka_example import sink_in
from tests.sinks.kafka_server import USER, KafkaServer, kafka_server

both = pytest.mark.parametrize("transactions", [False, True], ids=["plain", "in transactions"])


@pytest.fixture
def server() -> KafkaServer:
    return kafka_server()


class Impatient(Kafka, tag="impatient"):
    write_seconds: ClassVar[float] = 1


def impatient(sink: Kafka, server: KafkaServer) -> Kafka:
    """Return the sink with little time, and behind the gate."""
    return Impatient(
        servers=(server.gated,),
        topic=sink.topic,
        security="plaintext",
        transactions=sink.transactions,
    )


def test_a_wrong_password_is_a_misconfiguration_and_is_not_told(server: KafkaServer, tmp_path: Path) -> None:
    sink = sink_in(
        tmp_path,
        servers=(server.with_password,),
        security="sasl_plaintext",
        mechanism="PLAIN",
        user=USER,
        password=Secret("wrong-one"),
    )

    error = failure(sink)

    assert isinstance(error, SinkMisconfigured)
    assert "Invalid username or password" in str(error)
    assert "wrong-one" not in f"{error} {error.answer} {sink!r}"


def test_a_certificate_that_no_authority_has_signed_is_a_misconfiguration(
    server: KafkaServer, tmp_path: Path
) -> None:
    sink = sink_in(tmp_path, servers=(server.with_tls,), security="ssl")

    error = failure(sink)

    assert isinstance(error, SinkMisconfigured)
    assert "certificate" in str(error)


def test_a_certificate_of_an_authority_that_is_named_is_accepted(server: KafkaServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path, servers=(server.with_tls,), security="ssl", ca=server.certificate)

    write(sink, b"", batch(0, 1))

    assert server.ids(sink.topic) == ["m0"]


def test_an_event_that_is_too_large_is_named_and_costs_no_neighbour(
    server: KafkaServer, tmp_path: Path
) -> None:
    sink = sink_in(tmp_path, max_message_bytes="20000")
    lines = [event_line(number, userId=f"u{number}") for number in range(10)]
    lines[4] = event_line(4, properties={"a": "x" * 30_000})

    error = failure(sink, batch_of(lines))

    assert isinstance(error, SinkRefused)
    assert {index: culprit.code for index, culprit in error.culprits.items()} == {4: "too_large"}
    assert list(error.delivered) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert server.ids(sink.topic) == [f"m{number}" for number in error.delivered]


def test_in_transactions_an_event_that_is_too_large_lets_none_through(
    server: KafkaServer, tmp_path: Path
) -> None:
    sink = sink_in(tmp_path, max_message_bytes="20000", transactions=True)
    lines = event_lines(0, 10)
    lines[4] = event_line(4, properties={"a": "x" * 30_000})

    async def write_parts() -> SinkRefused:
        async with sink.connect("archive", b"") as connection:
            with pytest.raises(SinkRefused) as raised:
                await connection.write(batch_of(lines))
            await connection.write(batch(0, 4))
            await connection.write(batch(5, 10))
        return raised.value

    error = anyio.run(write_parts)

    assert (list(error.culprits), list(error.delivered)) == ([4], [])
    assert server.ids(sink.topic) == [f"m{number}" for number in range(10) if number != 4]


def test_many_events_fit_into_a_topic_with_a_low_limit(server: KafkaServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path, max_message_bytes="20000")

    write(sink, b"", batch(0, 1000))

    assert len(server.ids(sink.topic)) == 1000


def test_an_event_may_be_as_large_as_the_topic_allows(server: KafkaServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path, max_message_bytes="3000000")

    write(sink, b"", batch_of([event_line(0, properties={"a": "x" * 2_500_000})]))

    assert server.ids(sink.topic) == ["m0"]


def test_lines_that_are_no_events_are_named_at_once(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    error = failure(sink, batch_of([b"{}", event_line(1), b"nonsense"]))

    assert isinstance(error, SinkRefused)
    assert list(error.culprits) == [0, 2]


@both
def test_a_connection_that_is_cut_while_events_are_written_loses_nothing(
    transactions: bool, server: KafkaServer, tmp_path: Path
) -> None:
    sink = sink_in(tmp_path, transactions=transactions)
    write(sink, b"", batch(0, 2))

    with server.gate.at(b"message-id", server.gate.cut):
        error = failure(impatient(sink, server), batch(2, 5))
    write(sink, b"", batch(2, 5))

    assert isinstance(error, SinkUnavailable)
    found = server.ids(sink.topic)
    assert list(dict.fromkeys(found)) == ["m0", "m1", "m2", "m3", "m4"]
    assert not transactions or len(found) == 5


def test_a_commit_whose_answer_is_lost_is_not_repeated(server: KafkaServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path, transactions=True)
    end_transaction = b"\x00\x1a\x00"  # the key of the request EndTxn, and the high byte of its version

    with server.gate.at(end_transaction, server.gate.cut):
        error = failure(impatient(sink, server), batch(0, 5))
    write(sink, b"", batch(0, 5))

    assert isinstance(error, SinkUnavailable)
    assert server.ids(sink.topic) == ["m0", "m1", "m2", "m3", "m4"]


def test_what_a_hanging_process_sends_late_is_not_seen(server: KafkaServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path, transactions=True)

    with server.gate.at(b"message-id", server.gate.hold):
        error = failure(impatient(sink, server), batch(0, 5))
        write(sink, b"", batch(0, 5))

    assert isinstance(error, SinkUnavailable)
    assert server.ids(sink.topic) == ["m0", "m1", "m2", "m3", "m4"]


def test_a_broker_that_leaves_during_a_transaction_loses_and_doubles_nothing(
    server: KafkaServer, tmp_path: Path
) -> None:
    sink = sink_in(tmp_path, servers=(server.gated,), transactions=True)

    with server.gate.at(b"message-id", server.crash), suppress(SinkUnavailable):
        write(sink, b"", batch(0, 3000))
    write(sink, b"", batch(0, 3000))

    assert server.ids(sink.topic) == [f"m{number}" for number in range(3000)]


def test_after_a_failure_a_new_producer_sends_the_events(server: KafkaServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    write(sink, b"", batch(0, 2))

    with server.gate.at(b"message-id", server.gate.hold):
        first = failure(impatient(sink, server), batch(2, 4))
    write(sink, b"", batch(2, 4))

    assert isinstance(first, SinkUnavailable)
    assert set(server.ids(sink.topic)) == {"m0", "m1", "m2", "m3"}


def test_an_event_behind_one_of_its_person_that_has_failed_is_sent_again() -> None:
    lines = [event_line(number, userId=user) for number, user in enumerate(("u1", "u2", "u1", "u2", "u3"))]

    found = delivered_of(read(batch_of(lines)), {0: KafkaError(KafkaError._MSG_TIMED_OUT)}, {})

    assert found == [1, 3, 4]
