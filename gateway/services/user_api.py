"""
The User API of Commanders Act: read, merge and remove the record of a person.

https://doc.commandersact.com/features/sources/sources-catalog/import-crm-users/api-users
"""

import time
from collections.abc import Mapping
from typing import Annotated

import msgspec
from anyio import to_thread
from msgspec import Meta, Raw
from starlette.requests import Request
from starlette.responses import Response

from gateway import metrics
from gateway.dialects.commandersact.names import to_traits
from gateway.dialects.shared.answers import SUCCESS, Success, retry_headers
from gateway.dialects.shared.describing import RETRY
from gateway.errors import Refusal, TryLater, UnreadableBody
from gateway.event import Origin, encode
from gateway.intake import body, refusals
from gateway.intake.normalize import Provenance, normalize
from gateway.journal import chunk, persons
from gateway.journal.base import Appender
from gateway.message import DecodedSubmission, Message
from gateway.operation import Fragment, Operation, Reply, examples, query
from gateway.raw import bodies, objects, timestamps
from gateway.records.base import Record, Table
from gateway.services.app import Denied, DescribedRoute, to_json, to_response
from gateway.sources import Source, Sources
from gateway.submission import Submission

PATH = "/engage/user"
_MAX_BODY_BYTES = 32 * 1024


class Person(msgspec.Struct):
    """The record of a person, as it is sent and shown."""

    person: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]


class Error(msgspec.Struct):
    """The body of the answer to a call that is rejected."""

    message: str


_decode = msgspec.json.Decoder(Person).decode


def routes(sources: Sources, people: Table, journal: Appender, budget: body.Budget) -> list[DescribedRoute]:
    """Return the routes of the API, under the paths that it has on its various hosts."""
    api = _UserApi(sources, people, journal, budget)
    return [DescribedRoute(f"{prefix}{PATH}", api.answer, OPERATIONS) for prefix in ("", "/api", "/v1.0")]


def _deny(status: int, message: str, headers: Mapping[str, str] | None = None) -> Denied:
    return Denied(to_json(Error(message), status, headers))


class _UserApi:
    def __init__(self, sources: Sources, people: Table, journal: Appender, budget: body.Budget) -> None:
        self.sources = sources
        self.people = people
        self.journal = journal
        self.budget = budget

    async def answer(self, request: Request) -> Response:
        """Answer a call. Raises Denied."""
        try:
            source, user_id = self._authorize(request)
            if request.method == "PUT":
                await self._merge(request, source, user_id)
            elif request.method == "DELETE":
                await to_thread.run_sync(self.people.remove, source.site_id, user_id)
            else:
                return await self._show(source, user_id)
        except TryLater as error:
            headers = {name.decode(): value.decode() for name, value in retry_headers(error)}
            raise _deny(503, error.message, headers) from error
        except Refusal as refusal:
            raise _deny(refusal.status, str(refusal)) from refusal
        return to_response(SUCCESS)

    def _authorize(self, request: Request) -> tuple[Source, str]:
        """Return the source that owns the token, and the person's id. Raises Denied."""
        given = request.query_params
        site, user_id, token = (given.get(name, "") for name in ("site", "user_id", "token"))
        if not (site and user_id and token):
            raise _deny(400, "site, user_id and token are required")
        source = self.sources.authorize(token)
        if source is None or source.site_id != site:
            raise _deny(403, "The token is not valid for this site")
        return source, user_id

    async def _show(self, source: Source, user_id: str) -> Response:
        person = await to_thread.run_sync(self.people.find, source.site_id, user_id)
        if person is None:
            raise _deny(404, "Person not found")
        return to_json(Person(Raw(person)), 200)

    async def _merge(self, request: Request, source: Source, user_id: str) -> None:
        """Make the change durable as a record, then as an event; a call that failed may be repeated."""
        sent = await body.read(request.scope, request.receive, _MAX_BODY_BYTES, self.budget)
        try:
            sent.decode()
            person = objects.read(_decode(objects.compact(sent)).person)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UnreadableBody('the body must be {"person": {…}}') from error
        line = _identify(request, source, user_id, person)
        bodies.check_depth(line)
        record = Record(user_id, objects.write(person))
        await to_thread.run_sync(self.people.merge, source.site_id, [record])
        metrics.RECEIVED.add(1)
        metrics.IN_FLIGHT.now += 1
        try:
            partition = persons.partition(source.name, user_id, self.journal.partitions)
            await self.journal.append([line], chunk.ANYTHING, 1, [partition])
        except TryLater as error:
            refusals.count(error, 1)
            raise
        finally:
            metrics.IN_FLIGHT.now -= 1


def _identify(request: Request, source: Source, user_id: str, person: dict[str, Raw]) -> bytes:
    """Return the canonical line of the event that carries the change to the sinks."""
    now = time.time_ns() // 1_000_000
    received = timestamps.write(now)
    submission = Submission("PUT", PATH, dict(request.scope["headers"]), b"", b"", "", now, received)
    traits = Raw(objects.write(to_traits({name: value for name, value in person.items() if name != "id"})))
    message = Message(type="identify", user_id=user_id, traits=traits, channel="server")
    origin = Origin(source.name, "commandersact", source.site_id, PATH)
    normalize(message, submission, DecodedSubmission([message]), Provenance.of(origin))
    return encode(message)


_PARAMETERS = (
    query("site", "The site of the person.", required=True),
    query("user_id", "The id of the person.", required=True),
)
_TOKEN: Fragment = {
    "apiToken": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "One of the source's `api_tokens`.",
    }
}
_REPLIES = {
    400: Reply("A parameter is missing, or the body is not a person.", [Error]),
    403: Reply("The token is not valid for the site.", [Error]),
    503: Reply("The records are unavailable.", [Error], RETRY),
}

OPERATIONS = {
    "GET": Operation(
        summary="Read the record of a person",
        parameters=_PARAMETERS,
        security=_TOKEN,
        replies={
            200: Reply("The record.", [Person]),
            404: Reply("No person has this id.", [Error]),
            **_REPLIES,
        },
    ),
    "PUT": Operation(
        summary="Merge into the record of a person",
        description="Fields replace those stored, null removes them. The change becomes an `identify` event.",
        parameters=_PARAMETERS,
        security=_TOKEN,
        shapes=[Person],
        examples=examples(person={"person": {"firstname": "Ann", "email": "ann@example.com"}}),
        replies={
            200: Reply("The record is stored.", [Success]),
            413: Reply("The body is too large.", [Error]),
            **_REPLIES,
        },
    ),
    "DELETE": Operation(
        summary="Remove the record of a person",
        parameters=_PARAMETERS,
        security=_TOKEN,
        replies={200: Reply("The record is removed, if there was one.", [Success]), **_REPLIES},
    ),
}
