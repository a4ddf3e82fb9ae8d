"""Each batch is loaded once, by the id of its job, and failures have their class."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkError, SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.bigquery import BigQuery, job_id
from tests.build import event_line
from tests.sinks import chaos
from tests.sinks.batches import batch, batch_of, deliver, statement_asked_by
from tests.sinks.bigquery_example import Impatient, InService, ids, sink_at
from tests.sinks.bigquery_service import TOKEN, Service, account, standing_service
from tests.sinks.http_client.test_tls import serving

REVENUE = {"revenue": "properties.revenue: number"}
QUOTA = {"reason": "quotaExceeded", "message": "Quota exceeded"}


def example(folder: Path) -> BigQuery:
    return sink_at(standing_service())


EXAMPLES = {"": InService}


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


def field(service: Service, name: str) -> dict[str, Any]:
    """Return a column of the table, which can be changed."""
    fields: list[dict[str, Any]] = service.tables["events"]["schema"]["fields"]
    return next(each for each in fields if each["name"] == name)


def test_the_same_batch_twice_is_loaded_once(service: Service) -> None:
    sink = sink_at(service)

    deliver(sink, batch(0, 3), batch(3, 5), batch(0, 3))
    deliver(sink, batch(0, 3), batch(3, 5))

    assert ids(service) == ["m0", "m1", "m2", "m3", "m4"]


def test_other_content_has_another_job() -> None:
    first = batch(0, 1)
    others = {"partition": "1"}, {"epoch": 7}, {"suffix": "a"}, {"end": 2}, {"origin": "retry"}
    named = [msgspec.structs.replace(first, sink=sink) for sink in ("a.b", "a-b", "a_b")]

    found = [job_id("p.d.t", each) for each in named]
    found += [job_id("p.d.t", msgspec.structs.replace(first, **each)) for each in others]

    assert len({job_id("p.d.t", first), job_id("p.d.other", first), *found}) == 10
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,1000}", each) for each in found)


def test_a_job_that_still_runs_is_waited_for(service: Service) -> None:
    service.states = "PENDING", "RUNNING", "DONE"

    deliver(sink_at(service), batch(0, 2))

    [job] = service.jobs.values()
    assert job.states == ["DONE"]
    assert ids(service) == ["m0", "m1"]


def test_a_file_that_was_uploaded_without_an_answer_is_not_uploaded_again(service: Service) -> None:
    sink = sink_at(service)
    service.fault = chaos.half_a_head
    with pytest.raises(SinkUnavailable):
        deliver(sink, batch(0, 2))
    service.fault = None
    before = len(service.requests)

    deliver(sink, batch(0, 2), batch(2, 3))

    assert ids(service) == ["m0", "m1", "m2"]
    assert [each.method for each in service.requests[before:]].count("PUT") == 1


def test_a_job_that_has_failed_is_followed_by_another_for_the_same_batch(service: Service) -> None:
    sink = sink_at(service)
    service.problems = [QUOTA] * 6

    for _ in range(6):
        with pytest.raises(SinkUnavailable, match="quotaExceeded") as raised:
            deliver(sink, batch(0, 2))
    deliver(sink, batch(0, 2))
    deliver(sink, batch(0, 2))

    assert raised.value.retry_after == 600
    assert [int(id.rpartition("-")[2]) for id in service.jobs] == list(range(7))
    assert ids(service) == ["m0", "m1"]


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        pytest.param(("backendError", "Try again"), SinkUnavailable, id="theirs"),
        pytest.param(("rateLimitExceeded", "Slow down"), SinkUnavailable, id="rate"),
        pytest.param(("stopped", "Cancelled"), SinkUnavailable, id="cancelled"),
        pytest.param(
            ("accessDenied", "Permission bigquery.tables.update denied"), SinkMisconfigured, id="right"
        ),
        pytest.param(("notFound", "Not found: Table"), SinkMisconfigured, id="table"),
        pytest.param(("invalid", "Provided Schema does not match Table t."), SinkMisconfigured, id="schema"),
        pytest.param(("invalid", "Cell has 104857601 bytes"), SinkRefused, id="value"),
    ],
)
def test_a_failed_job_has_its_class_by_its_reason(
    service: Service, problem: tuple[str, str], expected: type[SinkError]
) -> None:
    service.problems = [{"reason": problem[0], "message": problem[1]}]

    with pytest.raises(expected, match=problem[1]) as raised:
        deliver(sink_at(service), batch(0, 2))

    assert raised.value.answer == problem[1]
    assert ids(service) == []


def test_a_row_is_the_event(service: Service) -> None:
    properties = b'{"b":1.10,"a":1e2,"a":12345678901234567890123}'
    line = event_line(0, sentAt="0001-01-01T00:00:00.002Z").replace(
        b'"properties":{}', b'"properties":' + properties
    )

    deliver(sink_at(service), batch_of([line], "0", 41))

    [row] = service.rows["events"]
    assert (row["id"], row["group_id"], row["position"]) == ("m0", None, "0/41")
    assert row["properties"] == properties.decode()
    assert row["sent_at"] == datetime(1, 1, 1, 0, 0, 0, 2000, UTC)
    assert abs((datetime.now(UTC) - row["loaded_at"]).total_seconds()) < 600


def test_lines_that_are_not_events_are_named(service: Service) -> None:
    with pytest.raises(SinkRefused) as raised:
        deliver(sink_at(service), batch_of([event_line(0), b"{}", event_line(2), b"[]"]))

    assert sorted(raised.value.culprits) == [1, 3]
    assert service.jobs == {}


def test_the_table_is_partitioned_by_day(service: Service) -> None:
    deliver(sink_at(service))

    assert service.tables["events"]["timePartitioning"] == {"type": "DAY", "field": "received_at"}


def test_a_promoted_column_is_added_to_a_table_that_has_rows(service: Service) -> None:
    deliver(sink_at(service), batch(0, 1))

    line = event_line(1, properties={"revenue": "12.5"})
    deliver(sink_at(service, columns=REVENUE), batch_of([line], first=1))

    assert [row.get("revenue") for row in service.rows["events"]] == [None, 12.5]


@pytest.mark.parametrize(
    ("change", "statement"),
    [
        pytest.param({"type": "STRING"}, "RENAME COLUMN revenue TO revenue_old", id="type"),
        pytest.param({"mode": "REQUIRED"}, "ALTER COLUMN revenue DROP NOT NULL", id="mode"),
    ],
)
def test_a_column_that_no_file_fits_is_refused_with_the_statement_that_mends_it(
    service: Service, change: dict[str, str], statement: str
) -> None:
    sink = sink_at(service, columns=REVENUE)
    deliver(sink, batch(0, 1))
    field(service, "revenue").update(change)

    assert statement_asked_by(sink) == f"ALTER TABLE `shop-1.analytics.events` {statement}"


def test_a_table_that_changes_meanwhile_is_a_misconfiguration(service: Service) -> None:
    sink = sink_at(service)
    deliver(sink)

    async def write_after_a_change() -> None:
        async with sink.connect("archive", b"") as connection:
            field(service, "name")["type"] = "INTEGER"
            await connection.write(batch(0, 1))

    with pytest.raises(SinkMisconfigured, match="Field name has changed"):
        anyio.run(write_after_a_change)


def test_a_dataset_that_is_not_there_is_a_misconfiguration(service: Service) -> None:
    sink = msgspec.structs.replace(sink_at(service), dataset="other")

    with pytest.raises(SinkMisconfigured, match="Not found: Dataset shop-1:other"):
        deliver(sink)


def test_the_token_shows_in_no_error(service: Service) -> None:
    service.fault = chaos.answer(403, f'{{"error":{{"message":"{TOKEN}"}}}}'.encode())

    with pytest.raises(SinkMisconfigured, match=r"\*{8}") as raised:
        deliver(sink_at(service), batch(0, 1))

    assert TOKEN not in f"{raised.value} {raised.value.answer}"


def test_an_upload_to_another_host_is_not_made(service: Service) -> None:
    service.upload_host = "https://example.com"

    with pytest.raises(SinkMisconfigured, match=r"asks to upload to example\.com"):
        deliver(sink_at(service), batch(0, 1))


def test_credentials_come_from_the_file_that_the_environment_names(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key.json"
    file.write_text(account(service.url))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))

    deliver(sink_at(service, credentials=Secret("")), batch(0, 1))

    assert ids(service) == ["m0"]


def test_without_a_key_the_metadata_server_gives_the_token(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{service.port}")

    deliver(sink_at(service, credentials=Secret("")), batch(0, 1))

    assert ids(service) == ["m0"]


def test_a_certificate_of_an_unknown_authority_is_a_misconfiguration(
    service: Service, certificate: Path
) -> None:
    signed = pytest.raises(SinkMisconfigured, match=r"TLS: self.signed")
    with chaos.Target(tls=serving(certificate)) as target, signed:
        deliver(sink_at(service, endpoint=target.url), batch(0, 1))

    assert target.requests == []


def test_a_service_that_hangs_is_unavailable(service: Service) -> None:
    service.fault = chaos.never_answer
    keys = {name: getattr(sink_at(service), name) for name in ("credentials", "endpoint")}

    with pytest.raises(SinkUnavailable, match=r"no answer within 0\.5 s"):
        deliver(Impatient(project="shop-1", dataset="analytics", **keys), batch(0, 1))


def test_mistakes_in_the_table_are_named_without_the_key() -> None:
    credentials = Secret('{"private_key": "-----BEGIN"}')
    keys = {"credentials": credentials, "endpoint": "ftp://x", "columns": {"id": "x"}}
    sink = BigQuery(project="A B", dataset="a-b", table="t.u", **keys)  # type: ignore[arg-type]

    found = dict(sink.check())

    assert found.keys() == {"project", "dataset", "table", "credentials", "endpoint", "columns"}
    assert "BEGIN" not in str(found)
