"""Preparation of chunks for a sink: exclude duplicates, filter, enrich from the catalogue, translate."""

from collections.abc import Collection

import structlog

from gateway import commerce
from gateway.delivery.enrich import Enricher
from gateway.delivery.part import Excluded, Part
from gateway.delivery.route import Route
from gateway.errors import StateUnavailable
from gateway.journal.chunk import CONSENT, INTEGRATIONS, PRODUCTS, Chunk
from gateway.sinks.base import Sink
from gateway.state.tally import Tally

log = structlog.get_logger()


class Preparation:
    """The steps for one sink. A chunk that no step can change is passed on without being decoded."""

    def __init__(self, name: str, sink: Sink, enricher: Enricher) -> None:
        self._log = log.bind(sink=name)
        self._route = Route(name, sink)
        self._enricher = enricher
        self._vocabulary = sink.translate
        self._decode_everything = bool(
            sink.sources or sink.types or sink.events or sink.translate or self._route.exclude
        )
        self._decode_flags = INTEGRATIONS | PRODUCTS | (CONSENT if sink.consent else 0)
        self._logged: set[str] = set()

    def prepare(
        self,
        chunk: Chunk,
        duplicates: Collection[int] = (),
        *,
        routed: bool = True,
        start: int | None = None,
        lost: Tally | None = None,
    ) -> Part:
        """
        Return the events of a chunk for the sink.

        `duplicates` are positions. Without `routed`, no event is filtered. `start` is the position of the
        first of the unreadable events before the chunk, and `lost` is the outcome of these.
        An event on which our own code fails is excluded as a dead letter; it never stops the others.
        Raises StateUnavailable if the catalogue cannot be read.
        """
        start, lost = chunk.first if start is None else start, lost or Tally()
        if not duplicates and not self._decode_everything and not chunk.carries & self._decode_flags:
            everything = range(chunk.first, chunk.end)
            return Part(start, chunk.end, chunk, everything, chunk.data, [], lost, chunk.epoch)
        lines = list(enumerate(chunk.lines(), chunk.first))
        duplicates = frozenset(duplicates)
        try:
            kept, excluded = self._steps(lines, duplicates, routed)
        except StateUnavailable:
            raise
        except Exception:
            kept, excluded = self._one_by_one(lines, duplicates, routed)
        data = b"".join(line + b"\n" for _, line in kept)
        positions = [position for position, _ in kept]
        return Part(start, chunk.end, chunk, positions, data, excluded, lost, chunk.epoch)

    def _steps(
        self, lines: list[tuple[int, bytes]], duplicates: Collection[int], routed: bool
    ) -> tuple[list[tuple[int, bytes]], list[Excluded]]:
        kept, excluded = [], []
        for position, line in lines:
            if position in duplicates:
                excluded.append(Excluded(position, "duplicate", ""))
            elif routed and (reason := self._route.reason(line)):
                excluded.append(Excluded(position, "filtered", reason))
            else:
                kept.append((position, line))
        enriched = self._enricher.enrich([line for _, line in kept])
        if self._vocabulary:
            enriched = [commerce.translate(line, self._vocabulary) for line in enriched]
        return [(position, line) for (position, _), line in zip(kept, enriched, strict=True)], excluded

    def _one_by_one(
        self, lines: list[tuple[int, bytes]], duplicates: Collection[int], routed: bool
    ) -> tuple[list[tuple[int, bytes]], list[Excluded]]:
        kept, excluded = [], []
        for position, line in lines:
            try:
                good, others = self._steps([(position, line)], duplicates, routed)
            except StateUnavailable:
                raise
            except Exception as error:
                self._log_once(position, error)
                message = f"{type(error).__name__}: {error}"
                excluded.append(Excluded(position, "dead", "internal_error", message))
            else:
                kept += good
                excluded += others
        return kept, excluded

    def _log_once(self, position: int, error: Exception) -> None:
        """Log an error with its traceback, unless one of the same class has been logged."""
        kind = type(error).__name__
        if kind not in self._logged:
            self._logged.add(kind)
            self._log.error("event not prepared, now a dead letter", position=position, exc_info=error)
