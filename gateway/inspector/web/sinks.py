"""The pages of sinks: the status of each, what it was sent, and the operator's orders."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.inspector.access import forms
from gateway.inspector.queries import dead, deliveries, exchanges, replays, sinks
from gateway.inspector.queries.errors import QueryError
from gateway.inspector.queries.filters import Filter
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.web import charts, filtering
from gateway.inspector.web.rendering import Pages

_EXCHANGES = 20
_REPLAYS = 10


class Span(NamedTuple):
    """A period that the chart of a sink can show."""

    name: str
    seconds: int
    step_seconds: int


SPANS = {
    "1h": Span("last hour", 3600, 60),
    "24h": Span("last 24 hours", 86400, 1800),
    "7d": Span("last 7 days", 7 * 86400, 6 * 3600),
    "30d": Span("last 30 days", 30 * 86400, 86400),
}
_DEFAULT = "24h"


class Said(NamedTuple):
    """The result of an order."""

    text: str
    kind: str = "good"


def routes(pages: Pages, inspection: Inspection) -> list[Route]:
    """Return the routes of the pages below /sinks."""

    async def all_sinks(request: Request) -> Response:
        return pages.render(
            request,
            "sinks",
            sinks=await pages.ask(sinks.sinks, inspection),
            dry_runs=sinks.dry_runs(inspection),
        )

    async def show(request: Request) -> Response:
        return await page(request)

    async def page(
        request: Request, said: Said | None = None, skipping: sinks.Skipped | None = None, skip_to: str = ""
    ) -> Response:
        name = request.path_params["name"]
        report = await pages.ask(sinks.sink, inspection, name)
        word = request.query_params.get("span", _DEFAULT)
        span = SPANS.get(word, SPANS[_DEFAULT])
        end = datetime.now(UTC)
        step = span.step_seconds
        start = datetime.fromtimestamp((int(end.timestamp()) - span.seconds) // step * step, UTC)
        intervals = await pages.ask(
            deliveries.deliveries, inspection, name, start.isoformat(), step_seconds=step
        )
        return pages.render(
            request,
            "sink",
            sink=report,
            address=_address(name, span="" if word == _DEFAULT else word),
            span=span,
            spans=SPANS,
            chart=_chart(intervals, start, end, span),
            failures=_failures(intervals),
            dry_run=name in sinks.dry_runs(inspection),
            dead=await pages.ask(dead.counts, inspection, name),
            # README.md: all kinds that send requests have this key.
            sends_requests="allow_private" in inspection.config().sinks[name].__struct_fields__,
            exchanges=await pages.ask(exchanges.exchanges, inspection, name, Filter(limit=_EXCHANGES)),
            unkept=await pages.ask(exchanges.unkept, inspection, name),
            replays=await _replays(name),
            said=said or _SAID.get(request.query_params.get("done", "")),
            skipping=skipping,
            skip_to=skip_to,
        )

    async def _replays(name: str) -> list[replays.Replay]:
        found = await pages.ask(replays.replays, inspection, Filter(limit=500))
        return [each for each in found.items if each.sink == name][:_REPLAYS]

    async def order(request: Request) -> Response:
        name, verb = request.path_params["name"], request.path_params["verb"]
        fields = {key: values[0].strip() for key, values in forms.parse(await request.body()).items()}
        done, to = verb, fields.get("to") or "now"
        try:
            if verb == "pause":
                await pages.ask(sinks.pause, inspection, name)
            elif verb == "resume":
                await pages.ask(sinks.resume, inspection, name)
            elif verb == "test":
                tested = await pages.ask(sinks.test, inspection, name)
                return await page(request, _to_said(tested))
            elif verb == "skip" and not fields.get("sure"):
                skipping = await pages.ask(sinks.skip, inspection, name, to, dry_run=True)
                return await page(request, skipping=skipping, skip_to=to)
            elif verb == "skip":
                skipped = await pages.ask(sinks.skip, inspection, name, to)
                done = "skip" if skipped.done else "skipping"
            elif verb != "replay":
                raise HTTPException(404)
            else:
                started = await pages.ask(replays.start, inspection, _to_replay(name, fields))
                done = "replay" if isinstance(started, replays.Replay) else "nothing"
        except QueryError as error:
            if error.status == 404:
                raise
            return await page(request, Said(str(error), "bad"))
        return RedirectResponse(_address(name, done=done), 303)

    async def cancel(request: Request) -> Response:
        replay = await pages.ask(replays.cancel, inspection, filtering.read_id(request))
        return RedirectResponse(_address(replay.sink, done="cancel"), 303)

    async def exchange(request: Request) -> Response:
        found = await pages.ask(exchanges.exchange, inspection, filtering.read_id(request))
        return pages.render(request, "exchange", exchange=found)

    return [
        Route("/sinks", all_sinks),
        Route("/sinks/{name}", show),
        Route("/sinks/{name}/exchanges/{id}", exchange),
        Route("/sinks/{name}/{verb}", order, methods=["POST"]),
        Route("/replays/{id}/cancel", cancel, methods=["POST"]),
    ]


_SAID = {
    "pause": Said("Paused. Events wait in the journal until you resume."),
    "resume": Said("Resumed. The sink is tried at once."),
    "skip": Said("Skipped. What was passed over counts as skipped."),
    "skipping": Said(
        "The order to skip waits until the gateway is running and the sink can be stopped.", "wait"
    ),
    "replay": Said("The replay has begun. It goes on beside live delivery."),
    "nothing": Said(
        "There is nothing to replay: of this time, the journal has no event that the sink has passed.", "wait"
    ),
    "cancel": Said("The replay was cancelled. What it has sent stays sent."),
}


def _address(name: str, **query: str) -> str:
    """Return the address of the page of a sink."""
    return filtering.address(f"/sinks/{quote(name, safe='')}", query)


def _to_said(tested: sinks.Tested) -> Said:
    if tested.usable:
        return Said(f"The test went well: {tested.message}. Nothing was sent.")
    return Said(f"The test failed: {tested.message}", "bad")


def _to_replay(name: str, fields: dict[str, str]) -> replays.ReplayOrder:
    given = {
        key: fields[key] for key in ("since", "until", "source", "type", "event", "user") if fields.get(key)
    }
    return replays.ReplayOrder(sink=name, **given)  # type: ignore[arg-type]  # all of these are texts


def _chart(intervals: list[deliveries.Interval], start: datetime, end: datetime, span: Span) -> charts.Chart:
    count = int((end - start).total_seconds()) // span.step_seconds + 1
    labels = [start + timedelta(seconds=span.step_seconds * place) for place in range(count)]
    delivered, failed, dead_letters = ([0] * count for _ in range(3))
    for each in intervals:
        place = int((datetime.fromisoformat(each.at) - start).total_seconds()) // span.step_seconds
        if 0 <= place < count:
            delivered[place] += each.delivered
            dead_letters[place] += each.dead
            failed[place] += sum(failure.events for failure in each.failures)
    return charts.Chart(
        f"Events in the {span.name}",
        [label.isoformat(timespec="minutes") for label in labels],
        end.isoformat(timespec="minutes"),
        [
            charts.Series("delivered", "good", delivered),
            charts.Series("failed attempts", "wait", failed),
            charts.Series("dead", "bad", dead_letters),
        ],
    )


def _failures(intervals: list[deliveries.Interval]) -> list[tuple[str, int, str]]:
    """Return each reason for failed attempts with its count and last time, the most frequent first."""
    attempts: Counter[str] = Counter()
    last: dict[str, str] = {}
    for interval in intervals:
        for failure in interval.failures:
            attempts[failure.error] += failure.attempts
            last[failure.error] = max(last.get(failure.error, ""), interval.at)
    return [(error, count, last[error]) for error, count in attempts.most_common(50)]
