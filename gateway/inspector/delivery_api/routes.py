"""
The routes of Commanders Act's event delivery API, in JSON:API.

https://doc.commandersact.com/developers/config-api. A destination is a sink, and its id the sink's name. A
site sees the sinks that may get events of its sources; their totals count the events of all sources.
"""

import time
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, get_args

import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from gateway.config.tables import Config
from gateway.errors import StateUnavailable
from gateway.inspector.delivery_api import describing, figures, period
from gateway.inspector.delivery_api.figures import Figures, increase_rate
from gateway.inspector.delivery_api.issues import Kind, details, issues
from gateway.inspector.delivery_api.period import Period
from gateway.inspector.delivery_api.shapes import (
    Count,
    Dataset,
    DayTrends,
    DeliveredCounts,
    DeliveryError,
    DeliveryErrors,
    DeliveryHealth,
    DeliveryTrend,
    Document,
    FailedCounts,
    Resource,
)
from gateway.inspector.queries.errors import InvalidQuery, QueryError
from gateway.inspector.queries.inspection import Inspection
from gateway.services.app import Denied, DescribedRoute
from gateway.services.product_api import Calls
from gateway.sinks.base import Sink
from gateway.sources import Sources

_PERIOD = ("start", "end", "granularity")
_TYPE = "filter[type]"
_NO_DATA = "No data found"

Answer = Callable[[Request, "Site"], Resource[Any]]


class Site(NamedTuple):
    """What a token may see."""

    sources: Collection[str]
    """The names of the site's sources."""
    sinks: dict[str, Sink]
    """The sinks that may get their events."""


class NoData(QueryError):
    """There is nothing to show."""

    code, status = "not_found", 404


def routes(inspection: Inspection) -> list[DescribedRoute]:
    """Return the routes; they are the same at the intake and at the inspector."""
    api = _DeliveryApi(inspection)
    sink, all_sinks = (f"/v2/{{site}}/integrations{part}/delivery" for part in ("/{id}", ""))
    return [
        DescribedRoute(f"{sink}/healths", api.answering(api.healths), {"GET": describing.HEALTHS}),
        DescribedRoute(f"{sink}/trends", api.answering(api.trends), {"GET": describing.TRENDS}),
        DescribedRoute(f"{sink}/issues", api.answering(api.issues), {"GET": describing.ISSUES}),
        DescribedRoute(
            f"{all_sinks}/issues/{{issue}}/details",
            api.answering(api.details),
            {"GET": describing.DETAILS},
        ),
    ]


class _DeliveryApi:
    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection
        # Only for valid tokens, so that clients cannot make it grow.
        self._calls: dict[str, Calls] = {}
        self._limiter: CapacityLimiter | None = None
        self._config: Config | None = None
        self._sources = Sources(())

    def answering(self, answer: Answer) -> Callable[[Request], Any]:
        """Return an endpoint that authorises a call and answers it in a thread."""

        async def endpoint(request: Request) -> Response:
            token, site = self._authorize(request)
            if site is None:
                headers = {"WWW-Authenticate": "Bearer"}
                return _fail(401, "unauthorized", "the site's token is required as Bearer", headers)
            calls = self._calls.setdefault(token, Calls())
            try:
                calls.begin(time.monotonic())
            except Denied:
                return _fail(429, "too_many_calls", "too many calls with this token", {"Retry-After": "1"})
            if self._limiter is None:  # it belongs to the running loop, which is busy taking events
                self._limiter = CapacityLimiter(1)
            try:
                found = await to_thread.run_sync(answer, request, site, limiter=self._limiter)
            except NoData as error:
                return _respond(DeliveryErrors([DeliveryError(404, str(error))]), 404)
            except QueryError as error:
                return _fail(error.status, error.code, str(error))
            except (StateUnavailable, OSError):
                return _fail(503, "unavailable", "deliveries cannot be read now", {"Retry-After": "1"})
            finally:
                calls.running -= 1
            return _respond(Document(found), 200)

        return endpoint

    def healths(self, request: Request, site: Site) -> Resource[DeliveryHealth]:
        """Return the sums of a period, and of each of the last 30 days."""
        name, sink = _sink(request, site)
        asked = period.read(_parameters(request, _PERIOD))
        now = figures.total(figures.sums(self._inspection, name, asked))
        before = figures.total(figures.sums(self._inspection, name, asked.before))
        days = figures.sums(self._inspection, name, period.last_days())
        if not (now.total or before.total or figures.total(days).total):
            raise NoData(_NO_DATA)
        return Resource("delivery/health", name, _health(sink, now, before, days))

    def trends(self, request: Request, site: Site) -> Resource[DeliveryTrend]:
        """Return successes and failures over a period."""
        name, sink = _sink(request, site)
        asked = period.read(_parameters(request, _PERIOD))
        steps = figures.sums(self._inspection, name, asked)
        if not figures.total(steps).total:
            raise NoData(_NO_DATA)
        rows: list[list[Any]] = [[at, each.success, each.fail] for at, each in steps.items()]
        return Resource(
            "delivery/trend", name, DeliveryTrend(_kind(sink), [["dateTime", "success", "fail"], *rows])
        )

    def issues(self, request: Request, site: Site) -> Resource[Any]:
        """Return why events were not delivered in a period."""
        name, _ = _sink(request, site)
        given = _parameters(request, (*_PERIOD, _TYPE))
        asked: Period = period.read(given)
        kinds: tuple[Kind, ...] = get_args(Kind)
        if (wanted := given.get(_TYPE)) is not None:
            kinds = tuple(kind for kind in kinds if kind == wanted)
            if not kinds:
                raise InvalidQuery(f"{_TYPE}: expected error or rejected")
        found = issues(self._inspection, name, site.sources, asked, kinds)
        if not (found.error or found.rejected):
            raise NoData(_NO_DATA)
        return Resource("delivery/issue", name, found)

    def details(self, request: Request, site: Site) -> Resource[Any]:
        """Return one failed delivery."""
        _parameters(request, ())
        issue = request.path_params["issue"]
        found = details(self._inspection, issue, site.sources)
        if found is None:
            raise NoData(_NO_DATA)
        return Resource("delivery/issues-details", issue, found)

    def _authorize(self, request: Request) -> tuple[str, Site | None]:
        """Return the token of a call, and the site if the token belongs to it."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        config = self._inspection.config()
        if config is not self._config:  # strangers must not cause the digests of all keys to be computed
            self._config, self._sources = config, Sources(config.sources.values())
        source = self._sources.authorize(token) if kind.lower() == "bearer" else None
        if source is None or source.site_id != request.path_params["site"]:
            return token, None
        return token, _site(config, source.site_id)


def _site(config: Config, site: str) -> Site:
    sources = {source.name for source in config.sources.values() if source.site_id == site}
    sinks = {
        name: sink
        for name, sink in config.sinks.items()
        if not sink.sources or not sources.isdisjoint(sink.sources)
    }
    return Site(sources, sinks)


def _sink(request: Request, site: Site) -> tuple[str, Sink]:
    """Return the sink that a call asks about. Raises NoData."""
    name = request.path_params["id"]
    if name not in site.sinks:
        raise NoData(_NO_DATA)
    return name, site.sinks[name]


def _parameters(request: Request, known: Collection[str]) -> dict[str, str]:
    """Return the parameters of the query. Raises InvalidQuery for an unknown one."""
    given = dict(request.query_params)
    for name in given:
        if name not in known:
            raise InvalidQuery(f"{name[:50]}: unknown parameter")
    return given


def _kind(sink: Sink) -> str:
    return str(sink.__struct_config__.tag)


def _health(sink: Sink, now: Figures, before: Figures, days: dict[int, Figures]) -> DeliveryHealth:
    def count(what: str) -> Count:
        found: int = getattr(now, what)
        return Count(found, increase_rate(found, getattr(before, what)))

    def dataset(what: str) -> Dataset:
        return Dataset([["dateTime", what], *([at, getattr(each, what)] for at, each in days.items())])

    return DeliveryHealth(
        _kind(sink),
        now.total,
        DeliveredCounts(count("immediate"), count("retry")),
        FailedCounts(count("rejected"), count("error")),
        DayTrends(dataset("success"), dataset("fail")),
    )


def _respond(body: msgspec.Struct, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, headers, describing.MEDIA_TYPE)


def _fail(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    return _respond(DeliveryErrors([DeliveryError(status, detail, code)]), status, headers)
