"""
The recorder of a worker writes refused events, and raw requests while somebody looks at them, to disk.

It runs in a thread, some time after the answers, and never delays them. What it cannot write is lost.
"""

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import apsw
import msgspec
import structlog
from anyio import to_thread

from gateway import masking
from gateway.diagnostics.bodies import event_bytes
from gateway.diagnostics.shapes import MAX_BODY_BYTES, RAW, REFUSED, REFUSED_MS, WATCHED_MS
from gateway.diagnostics.store import Store
from gateway.diagnostics.watching import is_watched
from gateway.dialects.shared import keys
from gateway.errors import RateLimited, Refusal
from gateway.event import read_subject
from gateway.intake.recent import Bug, Recent, Refusals, RefusedSubmission
from gateway.outcome import Outcome
from gateway.sources import Sources
from gateway.submission import Submission

log = structlog.get_logger()

SECONDS = 0.5
"""Between two writes."""

_MAX_RAW_BYTES = 1024 * 1024
WATCHED_BYTES = 64 * 1024
"""Of the requests written at a time because somebody is looking; writing all would slow the intake down."""

_MAX_DETAILS_CHARACTERS = 1000
_KEY = re.compile(rb'"(?:write[_-]?key|token|tc_skey)"\s*+:\s*+"([^"\\]{1,200})"', re.IGNORECASE)
_REFUSE = f"INSERT INTO refused VALUES ({', '.join('?' * 19)})"  # noqa: S608  # placeholders only
_COUNT = """
    INSERT INTO counts VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events,
        unkept = unkept + excluded.unkept, last_at = max(last_at, excluded.last_at)
"""
_KEEP = f"INSERT INTO requests VALUES ({', '.join('?' * 11)})"  # noqa: S608
_WRITTEN = "INSERT INTO written VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at"


class Findings(msgspec.Struct, frozen=True):
    """The content of one write."""

    refusals: Refusals
    requests: list[tuple[Submission, Outcome]]
    watched: bool


class Recorder:
    """Writes what a worker holds in `recent`. `clock` returns seconds since 1970."""

    def __init__(
        self,
        folder: Path,
        recent: Recent,
        worker: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._recent = recent
        self._worker = worker
        self._clock = clock
        self._seen = 0
        self._was_watched = False
        self._refused = Store(folder, REFUSED)
        self._raw = Store(folder, RAW)
        self._inspected: dict[str, int] = {}
        """Milliseconds for which raw requests are kept, by source."""

    def use(self, sources: Sources) -> None:
        """Keep raw requests as these sources ask for."""
        self._inspected = {source.name: int(source.inspect * 1000) for source in sources if source.inspect}

    async def run(self) -> None:
        """Write the findings twice a second until cancelled."""
        while True:
            await anyio.sleep(SECONDS)
            if findings := self.collect():
                await to_thread.run_sync(self.write, findings)

    def collect(self) -> Findings | None:
        """Return the findings since the last call, if any. Call it in the thread that fills `recent`."""
        self._recent.refill()
        watched = is_watched(self._folder, self._clock())
        requests: list[tuple[Submission, Outcome]] = []
        if watched or self._inspected:
            self._seen, requests = self._recent.since(self._seen)
        refusals = self._recent.collect_refusals()
        if refusals.events or refusals.kept or requests or watched:
            return Findings(refusals, requests, watched)
        return None

    def write(self, findings: Findings) -> None:
        """Write to disk, in any thread."""
        try:
            self._write(findings)
        except Exception as bug:  # which must not end the worker
            log.error("diagnostics not written", exc_info=bug)

    def _write(self, findings: Findings) -> None:
        now = int(self._clock() * 1000)
        refusals = findings.refusals
        if refusals.events or refusals.kept:
            rows = [row for each in refusals.kept for row in _refused_rows(each)]
            self._refused.write(lambda database: _store_refusals(database, rows, refusals, now), now)
        if findings.requests or findings.watched:
            requests = list(self._requests(findings))

            def store(database: apsw.Connection) -> None:
                database.executemany(_KEEP, requests)
                if findings.watched:
                    database.execute(_WRITTEN, (self._worker, now))

            self._raw.write(store, now)

    def close(self) -> None:
        """Write what is left, and close the databases."""
        if findings := self.collect():
            self.write(findings)
        self._refused.close()
        self._raw.close()

    def _requests(self, findings: Findings) -> Iterator[tuple[Any, ...]]:
        # Somebody who starts looking gets all that is in memory, and from then on a part.
        room = WATCHED_BYTES if self._was_watched else math.inf
        self._was_watched = findings.watched
        for submission, outcome in findings.requests:
            if room <= 0 and not self._inspected:
                return
            kept_ms = WATCHED_MS if findings.watched and room > 0 else 0
            room -= len(outcome.block)
            if kept_ms or any(name.encode() in outcome.block for name in self._inspected):
                subjects = [read_subject(line) for line in outcome.block.split(b"\n")]
                kept_ms = max(kept_ms, *(self._inspected.get(each.source.name, 0) for each in subjects))
                if kept_ms:
                    places = _places(outcome)
                    ids = [(each.message_id, place) for each, place in zip(subjects, places, strict=True)]
                    yield _request_row(submission, ids, kept_ms)


def _places(outcome: Outcome) -> list[int | None]:
    """Return the index in the body of each stored event."""
    if outcome.accepted != outcome.stored or not outcome.batch:  # it is not known which ones were ignored
        return [None] * outcome.stored
    refused = {one.place for one in outcome.refused}
    return [place for place in range(outcome.stored + len(refused)) if place not in refused]


def _request_row(submission: Submission, ids: list[Any], kept_ms: int) -> tuple[Any, ...]:
    at = submission.received_at
    return (
        *(None, at, at + kept_ms, submission.method, submission.route),
        masking.hide(submission.query, masking.KEYS).decode("latin-1"),
        masking.cut_address(submission.client_ip),
        _json(masking.headers(submission.headers)),
        masking.hide(submission.body[:_MAX_RAW_BYTES], masking.KEYS),
        *(len(submission.body), _json(ids)),
    )


def _refused_rows(found: RefusedSubmission) -> Iterator[tuple[Any, ...]]:
    submission = found.submission
    headers = masking.headers(submission.headers)
    address = masking.cut_address(submission.client_ip)
    query = masking.hide(submission.query, masking.KEYS).decode("latin-1")
    for cause in found.causes:
        body = event_bytes(submission.body, cause.place) or submission.body
        reason = cause.reason
        yield (
            *(None, submission.received_at, submission.received_at + REFUSED_MS, reason.code),
            *(reason.message, _text(masking.hide_text(reason.details, masking.KEYS))),
            *(_source(found, body, reason), found.judge.name, submission.method, submission.route, query),
            *(cause.place, _text(cause.message_id or ""), reason.events, address),
            *(
                headers.get("user-agent", ""),
                _json(headers),
                masking.hide(body[:MAX_BODY_BYTES], masking.KEYS),
                len(body),
            ),
        )


def _source(found: RefusedSubmission, body: bytes, reason: Refusal | Bug) -> str:
    """Return the name of the source whose key the event has, or "" if it has none that is known."""
    if isinstance(reason, RateLimited):
        return reason.source
    judge, submission = found.judge, found.submission
    given = [key.decode("utf-8", "replace") for key in _KEY.findall(body)]
    if body is not submission.body:
        given += [key.decode("utf-8", "replace") for key in _KEY.findall(submission.body)]
    try:
        given.append(keys.resolve(judge.dialect.write_key(submission), judge.sources))
    except Refusal:  # the query cannot be read
        pass
    owners = (judge.sources.owner(key) for key in given if key)
    return next((owner.name for owner in owners if owner), "")


def _store_refusals(
    database: apsw.Connection, rows: list[tuple[Any, ...]], refusals: Refusals, now: int
) -> None:
    database.executemany(_REFUSE, rows)
    minute = now // 60_000
    events: Counter[tuple[str, str]] = Counter()
    for row in rows:
        events[row[3], row[6]] += row[13]
    for code, unkept in refusals.unkept.items():
        database.execute(_COUNT, (minute, code, "", unkept, unkept, now))
    for (code, source), number in events.items():
        database.execute(_COUNT, (minute, code, source, number, 0, now))
    database.execute("DELETE FROM counts WHERE minute < ?", (minute - REFUSED_MS // 60_000,))


def _text(text: str) -> str:
    """Return a text that the database can hold, cut to the length that an operator would read."""
    return text[:_MAX_DETAILS_CHARACTERS].encode(errors="replace").decode()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
