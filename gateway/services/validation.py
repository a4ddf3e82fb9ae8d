"""Validation: what the intake and the sinks would do with a submission; nothing is stored."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway.delivery.route import Route
from gateway.dialects import DIALECTS
from gateway.dialects.base import Dialect
from gateway.errors import Refusal
from gateway.hints import HINTS
from gateway.intake.endpoint import Endpoint, Trial
from gateway.raw.places import Place, find_entries
from gateway.sinks.base import Sink
from gateway.sources import Sources
from gateway.submission import Submission
from gateway.warnings import Warning

Verdict = Literal["accepted", "repaired", "refused", "ignored"]


class Fate(msgspec.Struct, frozen=True, omit_defaults=True):
    """What would become of an event at one sink."""

    sink: str
    outcome: Literal["delivered", "filtered", "dead"]
    reason: str = ""
    """Why it would be filtered: source, type, event, consent, integrations."""


class Item(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What would become of one event; without an index, of the whole submission."""

    index: int | UnsetType = UNSET
    """Its index in what was sent, from 0."""
    verdict: Verdict
    """`repaired`: accepted with warnings; `ignored`: answered as accepted, but not stored."""
    code: str | UnsetType = UNSET
    """Why it is refused, like `message` and `details`."""
    message: str | UnsetType = UNSET
    details: str | UnsetType = UNSET
    hint: str | UnsetType = UNSET
    """What to change."""
    message_id: str | UnsetType = UNSET
    """The messageId of a refused event, if it has one."""
    place: Place | UnsetType = UNSET
    """Where it is in the body."""
    event: Raw | UnsetType = UNSET
    """The canonical event."""
    warnings: list[Warning] = []
    sinks: list[Fate] = []


class Validation(msgspec.Struct, frozen=True):
    """The verdict on each event, in the order in which they were sent."""

    items: list[Item]


class UnknownRoute(Exception):
    """There is no such dialect, or it has no such route; the text says so."""


class Validator:
    """Validates submissions, for the endpoints and the sinks of one configuration. Thread-safe."""

    def __init__(self, endpoints: Iterable[Endpoint], routes: Mapping[str, Route]) -> None:
        """`routes` are the routes of the sinks, by name."""
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._routes = routes

    @classmethod
    def of(cls, sources: Sources, sinks: Mapping[str, Sink]) -> "Validator":
        """Return the validator of all dialects, for these sources and sinks."""
        endpoints = [Endpoint(name, dialect, sources) for name, dialect in DIALECTS.items()]
        return cls(endpoints, {name: Route(name, sink) for name, sink in sinks.items()})

    def endpoint(self, dialect: str, route: str = "") -> tuple[Endpoint, str]:
        """
        Return the endpoint of a dialect, and the route as the dialect spells it.

        Without a route, that for several events is taken. Raises UnknownRoute.
        """
        endpoint = self._endpoints.get(dialect)
        if endpoint is None:
            raise UnknownRoute(f"there is no dialect {dialect!r}; there are {', '.join(self._endpoints)}")
        paths = endpoint.dialect.PATHS
        found = next((path for path in (route, f"/v1{route}") if path in paths), "")
        if not found and not route:
            found = _for_several(endpoint.dialect)
        if not found:
            raise UnknownRoute(f"dialect {dialect} needs one of the routes {', '.join(paths)}")
        return endpoint, found

    def validate(self, endpoint: Endpoint, submission: Submission) -> Validation:
        """Judge a submission whose body has been read."""
        try:
            trial = endpoint.try_out(submission)
        except Refusal as refusal:
            return refuse(refusal)
        items = sorted(self._items(trial), key=lambda item: item.index or 0)
        places = find_entries(submission.body)
        if len(places) == len(trial.decoded.messages):
            for item in items:
                if not isinstance(item.index, UnsetType):
                    item.place = places[item.index]
        return Validation(items)

    def _items(self, trial: Trial) -> Iterator[Item]:
        account = trial.account
        ignored = set(range(len(trial.decoded.messages)))
        for index, message, line in zip(account.places, account.stored, trial.lines, strict=True):
            ignored.discard(index)
            yield Item(
                index=index,
                verdict="repaired" if message.warnings else "accepted",
                event=Raw(line),
                warnings=message.warnings,
                sinks=[_fate(sink, route, line) for sink, route in self._routes.items()],
            )
        for one in account.refused:
            if one.place is not None:
                ignored.discard(one.place)
                yield _refused(one.refusal, one.place, one.message_id)
        for index in ignored:
            yield Item(index=index, verdict="ignored")


def refuse(refusal: Refusal) -> Validation:
    """Return the verdict on a submission that is refused as a whole."""
    return Validation([_refused(refusal)])


def _refused(refusal: Refusal, index: int | UnsetType = UNSET, message_id: str | None = None) -> Item:
    return Item(
        index=index,
        verdict="refused",
        code=refusal.code,
        message=refusal.message,
        details=refusal.details or UNSET,
        hint=HINTS[refusal.code],
        message_id=message_id or UNSET,
    )


def _fate(sink: str, route: Route, line: bytes) -> Fate:
    try:
        reason = route.reason(line)
    except Exception:  # as in delivery/prepare.py, where it is logged
        return Fate(sink, "dead", "internal_error")
    return Fate(sink, "filtered", reason) if reason else Fate(sink, "delivered")


def _for_several(dialect: Dialect) -> str:
    """Return a dialect's route for several events, else for events of any type, else ""."""
    untyped = [path for path, type in dialect.PATHS.items() if not type]
    return next((path for path in untyped if "batch" in path), untyped[0] if untyped else "")
