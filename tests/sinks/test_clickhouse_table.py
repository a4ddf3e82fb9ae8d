"""The table: created, widened, and refused with the statement that fixes it; and failures of the server."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkError, SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.clickhouse import ClickHouse
from tests.sinks import chaos
from tests.sinks.batches import batch, deliver, statement_asked_by
from tests.sinks.chaos import Target, answer
from tests.sinks.clickhouse_example import ids, sink_in
from tests.sinks.clickhouse_server import DATABASE, clickhouse_server
from tests.sinks.http_client.test_tls import serving

TABLE = (
    b'{"engine":"MergeTree","engine_full":"SETTINGS non_replicated_deduplication_window = 10000"}',
    b"",
)
"""The answers that tell of a table which has the window."""

REVENUE = {"revenue": "properties.revenue: number"}


def run(statement: str) -> list[dict[str, Any]]:
    return clickhouse_server().run(statement)


def quoted(sink: ClickHouse) -> str:
    return f"`{DATABASE}`.`{sink.table}`"


@pytest.mark.parametrize(
    ("definition", "statement"),
    [
        pytest.param(
            "ENGINE = MergeTree ORDER BY id",
            "ALTER TABLE {0} MODIFY SETTING non_replicated_deduplication_window = 10000",
            id="no window",
        ),
        pytest.param(
            "ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100",
            "ALTER TABLE {0} MODIFY SETTING non_replicated_deduplication_window = 10000",
            id="a short window",
        ),
        pytest.param("ENGINE = Log", "RENAME TABLE {0} TO {1}", id="an engine without a window"),
        pytest.param(
            "ENGINE = ReplacingMergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000",
            "RENAME TABLE {0} TO {1}",
            id="an engine that replaces rows",
        ),
    ],
)
def test_a_table_that_could_forget_a_batch_is_refused_with_the_statement_that_mends_it(
    tmp_path: Path, definition: str, statement: str
) -> None:
    sink = sink_in(tmp_path)
    run(f"CREATE TABLE {quoted(sink)} (id String, source LowCardinality(String)) {definition}")

    asked = statement_asked_by(sink)
    run(asked)
    deliver(sink, batch(0, 2), batch(0, 2))

    assert asked == statement.format(quoted(sink), f"{quoted(sink)[:-1]}_old`")
    assert ids(sink) == ["m0", "m1"]


@pytest.mark.parametrize(
    ("full", "defaults", "statement"),
    [
        pytest.param(
            "",
            (10_000, 3600),
            "MODIFY SETTING replicated_deduplication_window_seconds = 604800",
            id="as the server has it by default",
        ),
        pytest.param(
            "SETTINGS replicated_deduplication_window = 100",
            (10_000, 604_800),
            "MODIFY SETTING replicated_deduplication_window = 10000",
            id="as the table has it",
        ),
    ],
)
@pytest.mark.parametrize("engine", ["ReplicatedMergeTree", "SharedMergeTree"])
def test_a_replicated_table_must_remember_for_a_week(
    engine: str, full: str, defaults: tuple[int, int], statement: str
) -> None:
    names = ("replicated_deduplication_window", "replicated_deduplication_window_seconds")
    settings = [{"name": n, "value": str(v)} for n, v in zip(names, defaults, strict=True)]
    told = [{"engine": engine, "engine_full": f"{engine}('/path', 'r') ORDER BY id {full}"}], settings
    answers = [answer(200, b"\n".join(map(msgspec.json.encode, each))) for each in told]

    with Target(chaos.script(*answers)) as target:
        asked = statement_asked_by(ClickHouse(url=target.url))

    assert asked == f"ALTER TABLE `default`.`events` {statement}"


def test_columns_of_ones_own_are_left_alone(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    deliver(sink, batch(0, 1))
    day = "day Date MATERIALIZED toDate(received_at)"
    run(f"ALTER TABLE {quoted(sink)} ADD COLUMN {day}, ADD COLUMN own Int8")

    deliver(sink, batch(1, 2))

    assert run(f"SELECT DISTINCT day, own FROM {quoted(sink)}") == [{"day": "2026-01-01", "own": 0}]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(202, SinkUnavailable, id="too many queries"),
        pytest.param(241, SinkUnavailable, id="memory"),
        pytest.param(242, SinkUnavailable, id="read-only table"),
        pytest.param(243, SinkUnavailable, id="full disk"),
        pytest.param(252, SinkUnavailable, id="too many parts"),
        pytest.param(319, SinkUnavailable, id="in doubt"),
        pytest.param(999, SinkUnavailable, id="keeper"),
        pytest.param(60, SinkMisconfigured, id="table"),
        pytest.param(164, SinkMisconfigured, id="read-only user"),
        pytest.param(452, SinkMisconfigured, id="constraint of a setting"),
        pytest.param(497, SinkMisconfigured, id="rights"),
        pytest.param(516, SinkMisconfigured, id="password"),
        pytest.param(41, SinkRefused, id="value"),
        pytest.param(131, SinkRefused, id="size"),
    ],
)
def test_an_error_has_its_class_by_its_code(code: int, expected: type[SinkError], tmp_path: Path) -> None:
    words = f"Code: {code}. DB::Exception: as a test. (AS_A_TEST)".encode()

    def decide(request: chaos.Request) -> chaos.Behaviour:
        if "insert_deduplication_token" in request.target:
            return answer(500, words)
        return answer(200, told.pop(0) if told else b"")

    told = [*TABLE]
    with Target(decide) as target, pytest.raises(expected, match="as a test") as raised:
        deliver(ClickHouse(url=target.url), batch(0, 2))

    assert raised.value.answer == words.decode()


def test_an_insert_says_that_it_must_not_be_gathered_with_others(tmp_path: Path) -> None:
    told = [*TABLE]

    with Target(lambda request: answer(200, told.pop(0) if told else b"")) as target:
        deliver(ClickHouse(url=target.url), batch(0, 2))

    insert = target.requests[-1].target
    assert "async_insert=0" in insert
    assert "insert_deduplication_token=live:archive/0/0-2:0000000000000000" in insert


@pytest.mark.parametrize("body", [b'{"success": true}', b"<html>"], ids=["JSON", "HTML"])
def test_a_server_that_is_not_clickhouse_is_a_misconfiguration(body: bytes) -> None:
    with Target(chaos.script(then=answer(200, body))) as target, pytest.raises(SinkMisconfigured):
        deliver(ClickHouse(url=target.url), batch(0, 1))


def test_a_certificate_of_an_unknown_authority_is_a_misconfiguration(certificate: Path) -> None:
    with (
        Target(tls=serving(certificate)) as target,
        pytest.raises(SinkMisconfigured, match=r"TLS: self.signed"),
    ):
        deliver(ClickHouse(url=target.url), batch(0, 1))

    assert target.requests == []


def test_wrong_credentials_are_told_without_the_password(tmp_path: Path) -> None:
    sink = sink_in(tmp_path, password=Secret("a-wrong-password"))

    with pytest.raises(SinkMisconfigured, match="AUTHENTICATION_FAILED") as raised:
        deliver(sink)

    assert "a-wrong-password" not in f"{raised.value} {raised.value.answer} {sink!r}"


def test_mistakes_in_the_table_are_named() -> None:
    sink = ClickHouse(url="clickhouse:8123", database="a.b", table="x`y", user="a:b", columns={"id": "x"})

    assert {key for key, _ in sink.check()} == {"url", "database", "table", "user", "columns"}
