"""Issues: why events were not delivered to a sink, and the request and answer of each."""

from collections.abc import Collection, Iterable
from contextlib import closing
from typing import Literal

import msgspec
from msgspec import UNSET, Raw

from gateway import masking
from gateway.inspector.delivery_api.figures import ERROR_CODES, intervals
from gateway.inspector.delivery_api.period import Period
from gateway.inspector.delivery_api.shapes import (
    DeliveryIssues,
    Issue,
    IssueDetails,
    SentRequest,
    TargetResponse,
)
from gateway.inspector.queries import exchanges
from gateway.inspector.queries.exchanges import ExchangeRow
from gateway.inspector.queries.inspection import Inspection
from gateway.state.letters import Choice, Letter
from gateway.state.store import State

Kind = Literal["error", "rejected"]

_MAX_REASON_CHARACTERS = 200
_NULL = Raw(b"null")


def issues(
    inspection: Inspection, sink: str, sources: Collection[str], period: Period, kinds: Collection[Kind]
) -> DeliveryIssues:
    """
    Return the issues of a sink, the most frequent of each kind first.

    Rejected events and errors come from the remaining dead letters of `sources`. Failed attempts that are
    repeated are errors too. Raises StateUnavailable and OSError.
    """
    kind = str(inspection.config().sinks[sink].__struct_config__.tag)
    letters = _letters(inspection, sink, sources, period)
    rejected = [each for each in letters if each.reason not in ERROR_CODES]
    errors = [each for each in letters if each.reason in ERROR_CODES]
    if "error" in kinds:
        errors += _attempts(inspection, sink, sources, period)
    return DeliveryIssues(
        kind,
        _sorted(errors) if "error" in kinds else UNSET,
        _sorted(rejected) if "rejected" in kinds else UNSET,
    )


def details(inspection: Inspection, issue: str, sources: Collection[str]) -> IssueDetails | None:
    """
    Return one failed delivery, or None if it does not exist or its event is not from these sources.

    Raises StateUnavailable and OSError.
    """
    word, _, number = issue.partition("-")
    if not (number.isascii() and number.isdecimal() and len(number) < 16):
        return None
    if word == "letter":
        with closing(State.open_read_only(inspection.state)) as state:
            letter = next(state.dead.select(Choice(ids=(int(number),)), 1), None)
        return _of_letter(inspection, letter) if letter and letter.source in sources else None
    return None


def _letters(inspection: Inspection, sink: str, sources: Iterable[str], period: Period) -> list[Issue]:
    found: dict[str, Issue] = {}
    with closing(State.open_read_only(inspection.state)) as state:
        for source in sources:
            choice = Choice(sink=sink, source=source, since=period.start, until=period.end)
            for group in state.dead.groups(choice):
                one = Issue(
                    group.code, [group.event], group.letters, group.last_failed_at, f"letter-{group.id}"
                )
                found[group.code] = _together(found[group.code], one) if group.code in found else one
    return [*found.values()]


def _together(one: Issue, other: Issue) -> Issue:
    newest = max(one, other, key=lambda issue: issue.last_seen)
    return Issue(
        one.reason,
        sorted({*one.event_types, *other.event_types}),
        one.events_count + other.events_count,
        newest.last_seen,
        newest.stream_hit_id,
    )


def _attempts(inspection: Inspection, sink: str, sources: Collection[str], period: Period) -> list[Issue]:
    """
    Return the failed attempts, by the text of the error.

    An attempt may concern events of any source of the sink, and its error may show some of them: only a site
    that has all these sources gets the text.
    """
    config = inspection.config()
    is_alone = set(config.sinks[sink].sources or config.sources) <= set(sources)
    found: dict[str, Issue] = {}
    for at, interval in intervals(inspection, sink, period):
        for failure in interval.failures:
            reason = (is_alone and failure.error[:_MAX_REASON_CHARACTERS]) or "unavailable"
            one = Issue(reason, [], failure.events, at, None)
            found[reason] = _together(found[reason], one) if reason in found else one
    return [*found.values()]


def _sorted(found: Iterable[Issue]) -> list[Issue]:
    return sorted(found, key=lambda issue: (-issue.events_count, issue.reason))


def _of_letter(inspection: Inspection, letter: Letter) -> IssueDetails:
    sent = next(
        (
            each
            for each in exchanges.of_event(inspection, letter.sink, letter.partition, letter.position)
            if each.batch == letter.batch or each.dead
        ),
        None,
    )
    hidden = masking.names(inspection.config().inspector.mask)
    return IssueDetails(
        timestamp=letter.last_failed_at,
        status="error" if letter.code in ERROR_CODES else "rejected",
        detail=masking.hide_text(letter.message, hidden),
        request=_request(sent, Raw(masking.show(letter.canonical, hidden))),
        response=_response(sent, masking.hide_text(letter.answer, hidden)),
    )


def _request(sent: ExchangeRow | None, event: Raw) -> SentRequest:
    if sent is None:
        return SentRequest(None, None, None, event)
    # A batch may include events of other sites.
    return SentRequest(sent.url, sent.method, sent.request_body if sent.events == 1 else None, event)


def _response(sent: ExchangeRow | None, answer: str) -> TargetResponse:
    body = sent.answer_body if sent and sent.events == 1 else answer
    return TargetResponse(
        sent.status if sent else None, sent.answer_headers if sent else {}, body, _json(body)
    )


def _json(text: str) -> Raw:
    try:
        return Raw(msgspec.json.encode(msgspec.json.decode(text)))
    except (ValueError, RecursionError):
        return _NULL
