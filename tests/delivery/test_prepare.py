"""Preparation: chunks that are passed on unchanged, and chunks that are decoded."""

from pathlib import Path

import pytest

from gateway.config.secret import Secret
from gateway.delivery.enrich import Enricher
from gateway.delivery.prepare import Preparation
from gateway.delivery.work import Work
from gateway.errors import StateUnavailable
from gateway.journal.chunk import ANYTHING, CONSENT, INTEGRATIONS, PRODUCTS, Chunk
from gateway.postgresql.place import Remote
from gateway.records.base import Record
from gateway.records.table import FileTable
from gateway.sinks.base import Sink
from gateway.state.tally import Tally
from tests.build import event_line
from tests.fakes import ScriptedSink
from tests.gateway import free_ports

OPAQUE = b"this is not even JSON\n"


def chunk(data: bytes, carries: int) -> Chunk:
    return Chunk(0, data.count(b"\n"), 1, 0, carries, data)


def prepared(folder: Path, sink: Sink, *chunks: Chunk) -> tuple[bytes, int, Tally]:
    preparation = Preparation("sink", sink, Enricher(folder / "products.db"))
    work = Work("sink", "0", [preparation.prepare(each) for each in chunks])
    tally = work.tally()
    del tally[("delivered", "")]
    return work.batch.data if work.batch else b"", work.count, tally


@pytest.mark.parametrize(
    ("sink", "carries"),
    [
        pytest.param(ScriptedSink(), 0, id="no flags"),
        pytest.param(ScriptedSink(), CONSENT, id="consent that is not required"),
        pytest.param(ScriptedSink(consent=("1",)), 0, id="no consent in the chunk"),
    ],
)
def test_a_chunk_that_no_step_can_change_is_not_decoded(tmp_path: Path, sink: Sink, carries: int) -> None:
    assert prepared(tmp_path, sink, chunk(OPAQUE * 2, carries)) == (OPAQUE * 2, 2, Tally())


def test_a_chunk_with_integrations_is_filtered(tmp_path: Path) -> None:
    lines = [event_line(0), event_line(1, integrations={"sink": False})]

    found = prepared(tmp_path, ScriptedSink(), chunk(b"\n".join(lines) + b"\n", INTEGRATIONS))

    assert found == (lines[0] + b"\n", 1, Tally({("filtered", "integrations"): 1}))


def test_consent_is_checked_if_the_sink_requires_it(tmp_path: Path) -> None:
    context = {"consent": {"categoryPreferences": {"1": False}}}
    line = event_line(0, context=context) + b"\n"

    found = prepared(tmp_path, ScriptedSink(consent=("1",)), chunk(line, CONSENT))

    assert found == (b"", 0, Tally({("filtered", "consent"): 1}))


@pytest.mark.parametrize("wanted", [{"types": ("page",)}, {"sources": ("other",)}])
def test_a_sink_with_filters_decodes_every_event(tmp_path: Path, wanted: dict[str, tuple[str, ...]]) -> None:
    [reason] = (name.removesuffix("s") for name in wanted)

    found = prepared(tmp_path, ScriptedSink(**wanted), chunk(event_line() + b"\n", 0))  # type: ignore[arg-type]  # each argument has the right type

    assert found == (b"", 0, Tally({("filtered", reason): 1}))


def test_products_are_enriched(tmp_path: Path) -> None:
    catalogue = FileTable(tmp_path / "products.db")
    catalogue.merge("29", [Record("P1", b'{"id":"P1","name":"Shirt"}')])
    catalogue.close()
    source = {"name": "shop", "dialect": "segment", "siteId": "29"}
    line = event_line(properties={"items": [{"product": {"id": "P1"}}]}, source=source)

    data, count, _ = prepared(tmp_path, ScriptedSink(), chunk(line + b"\n", PRODUCTS))

    assert (b'"name":"Shirt"' in data, count) == (True, 1)


def test_events_keep_their_order_across_chunks(tmp_path: Path) -> None:
    lines = [event_line(number) + b"\n" for number in range(3)]
    chunks = [chunk(line, carries) for line, carries in zip(lines, (0, ANYTHING, 0), strict=True)]

    assert prepared(tmp_path, ScriptedSink(), *chunks) == (b"".join(lines), 3, Tally())


def test_events_wait_for_a_catalogue_that_cannot_be_reached() -> None:
    port, _ = free_ports()
    place = Remote(Secret(f"postgresql://gateway@127.0.0.1:{port}/gateway"), "products")
    preparation = Preparation("sink", ScriptedSink(), Enricher(place))

    with pytest.raises(StateUnavailable):
        preparation.prepare(chunk(event_line() + b"\n", PRODUCTS))
