"""BigQuery's REST API (cloud.google.com/bigquery/docs/reference/rest): tables, load jobs and queries."""

import json
from typing import Any

import msgspec
from yarl import URL

from gateway.errors import SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.google.credentials import Login
from gateway.sinks.http_client import answers
from gateway.sinks.http_client.answers import Answer

# cloud.google.com/bigquery/docs/error-messages; several of these come with the status 400 or 403.
_TRY_LATER = frozenset(
    [
        *("backendError", "internalError", "jobBackendError", "jobInternalError", "tableUnavailable"),
        *("rateLimitExceeded", "jobRateLimitExceeded", "quotaExceeded", "resourcesExceeded"),
        *("stopped", "timeout"),
    ]
)
_OF_EVENTS = ("invalid", "badRequest")
_OF_THE_TABLE = "Provided Schema does not match"
_QUOTA_SECONDS = 600.0
"""Failed jobs count towards the quota too."""
MAX_ANSWER_BYTES = 32 * 1024**2
"""A page of a query's rows has at most 20 MB."""


class Problem(msgspec.Struct):
    """What went wrong, according to the API."""

    reason: str = ""
    message: str = ""


class _Errors(msgspec.Struct):
    message: str = ""
    errors: list[Problem] = []


class _Body(msgspec.Struct):
    error: _Errors


class Status(msgspec.Struct, rename="camel"):
    """The state of a job: PENDING, RUNNING or DONE; with a problem if it failed as a whole."""

    state: str = "PENDING"
    error_result: Problem | None = None


class _Job(msgspec.Struct):
    status: Status


class _Reference(msgspec.Struct, rename="camel"):
    job_id: str
    location: str = "US"


class _Cell(msgspec.Struct):
    v: str | None


class _Row(msgspec.Struct):
    f: list[_Cell]


class _Rows(msgspec.Struct, rename="camel"):
    """A page of a query's rows, if the job is complete."""

    job_reference: _Reference
    job_complete: bool
    rows: list[_Row] = []
    page_token: str = ""


class Service:
    """Sends requests for one project, with a client that reads MAX_ANSWER_BYTES. Bound to one event loop."""

    def __init__(self, login: Login, endpoint: URL, project: str) -> None:
        self._login = login
        self._api = endpoint / "bigquery/v2/projects" / project
        self._upload = endpoint / "upload/bigquery/v2/projects" / project / "jobs"

    async def table(self, dataset: str, table: str) -> dict[str, Any] | None:
        """Return a table's description; None if there is no such table. Raises SinkError."""
        answer = await self._send("GET", self._api / "datasets" / dataset / "tables" / table)
        if answer.status == 404:
            return None
        return _decode(_check(answer))

    async def create_table(self, dataset: str, description: dict[str, Any]) -> dict[str, Any]:
        """Create a table, and return its description. Raises SinkError."""
        return _decode(
            _check(await self._send("POST", self._api / "datasets" / dataset / "tables", description))
        )

    async def change_table(self, dataset: str, table: str, description: dict[str, Any]) -> None:
        """Change the properties in a description. Raises SinkError."""
        _check(await self._send("PATCH", self._api / "datasets" / dataset / "tables" / table, description))

    async def job(self, id: str, location: str) -> Status | None:
        """Return the state of a job; None if there is no job with this id. Raises SinkError."""
        answer = await self._send("GET", (self._api / "jobs" / id).with_query(location=location))
        if answer.status == 404:
            return None
        try:
            return msgspec.json.decode(_check(answer).body, type=_Job).status
        except msgspec.DecodeError as error:
            raise SinkMisconfigured(f"{answer.host} does not answer as BigQuery does") from error

    async def query(self, statement: str) -> list[list[str | None]]:
        """Run a query, and return its rows, whose columns are texts. Raises SinkError."""
        given = {"query": statement, "useLegacySql": False}
        answer = await self._send("POST", self._api / "queries", given)
        found: list[list[str | None]] = []
        while True:
            try:
                page = msgspec.json.decode(_check(answer).body, type=_Rows)
            except msgspec.DecodeError as error:
                raise SinkMisconfigured(f"{answer.host} does not answer as BigQuery does") from error
            found += [[cell.v for cell in row.f] for row in page.rows]
            if page.job_complete and not page.page_token:
                return found
            wanted = {"location": page.job_reference.location}
            if page.page_token:
                wanted["pageToken"] = page.page_token
            url = (self._api / "queries" / page.job_reference.job_id).with_query(wanted)
            answer = await self._send("GET", url)

    async def load(self, job: dict[str, Any], content: bytes) -> None:
        """
        Start a load job with the content of a file. Raises SinkError.

        If a job with this id already exists, it stays as it is, and nothing is loaded.
        """
        headers = {"X-Upload-Content-Type": "application/octet-stream"}
        start = await self._send("POST", self._upload.with_query(uploadType="resumable"), job, headers)
        if start.status == 409:
            return
        session = URL(_check(start).headers.get("Location", ""))
        if session.origin() != self._upload.origin():  # it would get the token
            raise SinkMisconfigured(f"{start.host} asks to upload to {session.host}")
        answer = await self._login.send("PUT", session, {}, content)
        if answer.status != 409:
            _check(answer)

    async def _send(
        self, method: str, url: URL, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        given = {"Content-Type": "application/json", **(headers or {})}
        return await self._login.send(method, url, given, json.dumps(body).encode() if body else b"")


def raise_for(problem: Problem, project: str) -> None:
    """Raise the SinkError for the failure of a load job."""
    message = f"{project}: {problem.reason}: {problem.message}"[:500]
    if problem.reason in _TRY_LATER:
        wait = _QUOTA_SECONDS if problem.reason == "quotaExceeded" else None
        raise SinkUnavailable(message, retry_after=wait, answer=problem.message)
    if problem.reason in _OF_EVENTS and _OF_THE_TABLE not in problem.message:
        raise SinkRefused(message, code="invalid_value", answer=problem.message)
    raise SinkMisconfigured(message, answer=problem.message)


def _check(answer: Answer) -> Answer:
    """Return a successful answer. Raises SinkUnavailable or SinkMisconfigured; no event is to blame."""
    if 200 <= answer.status < 300:
        return answer
    try:
        found = msgspec.json.decode(answer.body, type=_Body).error
    except msgspec.DecodeError:
        found = _Errors()
    message = f"{answer.line}: {found.message}"[:500] if found.message else answer.line
    if any(each.reason in _TRY_LATER for each in found.errors):
        raise SinkUnavailable(message, retry_after=answers.retry_after(answer), answer=answer.words)
    try:
        answers.check(answer)
    except SinkUnavailable:
        raise
    except (SinkMisconfigured, SinkRefused):
        raise SinkMisconfigured(message, answer=answer.words) from None
    return answer


def _decode(answer: Answer) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise SinkMisconfigured(f"{answer.host} does not answer as BigQuery does") from error
