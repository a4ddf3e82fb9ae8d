"""What every dialect has in common, whichever there are."""

import base64
import inspect
from contextlib import suppress
from typing import Any

import pytest

from gateway import errors
from gateway.dialects import DIALECTS
from gateway.dialects.base import Dialect
from gateway.errors import GatewayError, RateLimited, Refusal, TryLater
from gateway.event import TYPES
from gateway.message import DecodedSubmission
from gateway.outcome import Outcome, Refused
from gateway.sources import Source
from gateway.submission import Submission
from tests.build import Door, to_json, track

KEY = "a-secret-indeed"
EVENT = track(event_name="Ordered", user={"id": "u1"})
BODY = to_json(EVENT)

each_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())
each_route = pytest.mark.parametrize(
    ("dialect", "method", "path"),
    [
        pytest.param(dialect, method, path, id=f"{name} {method} {path}")
        for name, dialect in DIALECTS.items()
        for method in dialect.METHODS
        for path in dialect.PATHS
    ],
)


def submission(method: str, path: str, *, query: str = "", body: bytes = BODY) -> Submission:
    text = "2026-11-21T12:00:00.000Z"
    return Submission(method, path, {}, query.encode(), body, "192.0.2.1", 1795262400000, text)


def same(number: int) -> int:
    return number


def make(kind: Any) -> Refusal:
    given = inspect.signature(kind).parameters.values()
    made: Refusal = kind(*[1 for each in given if each.default is inspect.Parameter.empty])
    return made


REFUSALS = [
    make(kind)
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, Refusal) and hasattr(kind, "code")
]
each_refusal = pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)


def submissions(dialect: Dialect) -> list[Submission]:
    """One for each of its routes."""
    return [submission(method, path) for path in dialect.PATHS for method in dialect.METHODS]


def test_there_are_dialects() -> None:
    assert DIALECTS


@each_dialect
def test_its_table_can_be_served(dialect: Dialect) -> None:
    assert dialect.PATHS
    assert set(dialect.METHODS) <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
    assert all(path.startswith("/") and not path.endswith("/") for path in dialect.PATHS)
    assert {*dialect.PATHS.values()} <= {*TYPES, ""}


@each_dialect
def test_its_limits_let_an_event_of_the_largest_size_in(dialect: Dialect) -> None:
    assert 0 < dialect.LIMITS.max_event <= dialect.LIMITS.max_body
    assert dialect.LIMITS.max_events > 0


def test_no_two_dialects_claim_a_route() -> None:
    routes = [
        (method, path.removeprefix("/v1"))
        for dialect in DIALECTS.values()
        for path in dialect.PATHS
        for method in dialect.METHODS
    ]

    assert len(set(routes)) == len(routes)


@each_route
def test_a_submission_without_a_key_has_none(dialect: Dialect, method: str, path: str) -> None:
    assert not dialect.write_key(submission(method, path))


@each_route
def test_decoding_changes_nothing_and_depends_on_nothing_else(
    dialect: Dialect, method: str, path: str
) -> None:
    def decode() -> tuple[Submission, DecodedSubmission | type[GatewayError]]:
        given = submission(method, path, query="userId=u1&event=Ordered")
        try:
            decoded = dialect.decode(given)
        except Refusal as refusal:
            return given, type(refusal)
        decoded.measure = same  # two of them are never equal
        return given, decoded

    first, second = decode(), decode()

    assert first == second
    assert first[0] == submission(method, path, query="userId=u1&event=Ordered")


@each_dialect
@each_refusal
def test_no_refusal_makes_a_client_give_up_for_good(dialect: Dialect, refusal: Refusal) -> None:
    answers = [dialect.refuse(given, refusal) for given in submissions(dialect)]

    assert {answer.status for answer in answers} <= {200, 400, 413, 429, 503}
    assert {answer.content_type for answer in answers} <= {b"application/json", b"image/gif"}


@each_dialect
@each_refusal
def test_only_what_may_be_sent_again_is_told_when(dialect: Dialect, refusal: Refusal) -> None:
    answers = [dialect.refuse(given, refusal) for given in submissions(dialect)]

    for answer in answers:
        shown = isinstance(refusal, RateLimited) and answer.content_type == b"image/gif"
        again = isinstance(refusal, TryLater) and not shown
        assert (answer.status in {429, 503}) == again
        assert (b"retry-after" in dict(answer.headers)) == again


@each_dialect
@each_refusal
def test_one_refused_message_can_be_told(dialect: Dialect, refusal: Refusal) -> None:
    outcome = Outcome(0, 0, [Refused(0, "m1", refusal)], batch=False)

    answers = [dialect.answer(given, outcome) for given in submissions(dialect)]

    assert all(refusal.code.encode() in repr(answer).encode() for answer in answers)


@each_route
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b"[" * 10_000, b'{"batch":[{"a":NaN'],
    ids=["empty", "cut off", "not UTF-8", "deep", "cut off after a NaN"],
)
def test_what_cannot_be_read_is_refused_and_nothing_worse(
    dialect: Dialect, method: str, path: str, body: bytes
) -> None:
    given = submission(method, path, query="data=%7B%22", body=body)

    with suppress(Refusal):
        assert isinstance(dialect.decode(given), DecodedSubmission)


PLACES = {
    "X-Write-Key": {"headers": {"X-Write-Key": KEY}},
    "Basic": {"headers": {"Authorization": "Basic " + base64.b64encode(KEY.encode()).decode()}},
    "Bearer": {"headers": {"Authorization": f"Bearer {KEY}"}},
    "writeKey": {"query": f"&writeKey={KEY}"},
    "token": {"query": f"&token={KEY}"},
    "body": {"fields": {"writeKey": KEY}},
}


@each_route
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_key_is_neither_answered_nor_kept(
    dialect: Dialect, method: str, path: str, place: dict[str, Any]
) -> None:
    body = {**EVENT, **place.get("fields", {})}
    target = f"{path}?userId=u1&event=Ordered{place.get('query', '')}"
    known, unknown = Door(Source("website", (KEY,))), Door(Source("website", ("another",)))

    answers = [door.request(method, target, to_json(body), place.get("headers")) for door in (known, unknown)]

    assert KEY not in repr(answers)
    assert KEY.encode() not in b"".join(known.journal.lines)
    assert unknown.events == []
