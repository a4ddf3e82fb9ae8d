"""What the catalogue adds to an event with one product, from a warm cache."""

import time
from collections.abc import Iterator

from gateway.delivery.enrich import Enricher
from gateway.records.base import Record
from gateway.records.table import FileTable
from tests.bench.options import Options
from tests.bench.table import Row
from tests.build import event_line

PROGRAMS = ()
_LINES = 1000
_TIMES = 200


def measure(options: Options) -> Iterator[Row]:
    file = options.folder / "products.db"
    FileTable(file).merge("29", [Record("P1", b'{"id":"P1","name":"Shirt","brand":"B","category_1":"Tops"}')])
    source = {"name": "shop", "dialect": "segment", "siteId": "29"}
    line = event_line(properties={"items": [{"id": "1", "product": {"id": "P1", "price": 8}}]}, source=source)
    enricher, lines = Enricher(file), [line] * _LINES
    enricher.enrich(lines)
    times = []
    for _ in range(_TIMES):
        started = time.thread_time()
        enricher.enrich(lines)
        times.append(time.thread_time() - started)
    yield Row("enrichment, an event", cpu=f"{min(times) / _LINES * 1e6:.2f} µs", goal="< 3 µs")
