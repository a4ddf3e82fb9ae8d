"""Preparation of chunks for a sink: filter, enrich from the catalogue, translate."""

from collections.abc import Sequence

from gateway import commerce
from gateway.delivery.enrich import Enricher
from gateway.delivery.route import Route
from gateway.journal.chunk import CONSENT, INTEGRATIONS, PRODUCTS, Chunk
from gateway.sinks.base import Sink
from gateway.state.tally import Tally


class Preparation:
    """The steps for one sink. A chunk that no step can change is passed on without being decoded."""

    def __init__(self, name: str, sink: Sink, enricher: Enricher) -> None:
        self._route = Route(name, sink)
        self._enricher = enricher
        self._vocabulary = sink.translate
        self._decode_everything = bool(sink.sources or sink.types or sink.events or sink.translate)
        self._decode_flags = INTEGRATIONS | PRODUCTS | (CONSENT if sink.consent else 0)

    def prepare(self, chunks: Sequence[Chunk], tally: Tally) -> tuple[bytes, int]:
        """Return the sink's events as JSON lines, and their number. Filtered events are added to `tally`."""
        parts: list[bytes | memoryview] = []
        count = 0
        for chunk in chunks:
            if self._decode_everything or chunk.carries & self._decode_flags:
                lines = self._lines(chunk, tally)
                count += len(lines)
                parts += [line + b"\n" for line in lines]
            else:
                count += chunk.count
                parts.append(chunk.data)
        return b"".join(parts), count

    def _lines(self, chunk: Chunk, tally: Tally) -> list[bytes]:
        lines, filtered = self._route.select(chunk.lines())
        tally.update(filtered)
        lines = self._enricher.enrich(lines)
        return [commerce.translate(line, self._vocabulary) for line in lines] if self._vocabulary else lines
