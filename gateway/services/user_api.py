"""
The User API of Commanders Act: what is known of one person, to be read, added to and removed.

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

from gateway.dialects.commandersact.names import to_traits
from gateway.dialects.shared.answers import SUCCESS, Success, retry_headers
from gateway.dialects.shared.describing import RETRY
from gateway.errors import Refusal, TryLater, UnreadableBody
from gateway.event import Origin, encode
from gateway.intake import body
from gateway.intake.normalize import Provenance, normalize
from gateway.intake.router import Journal
from gateway.message import DecodedSubmission, Message
from gateway.operation import Fragment, Operation, Reply, examples, query
from gateway.raw import objects, timestamps
from gateway.records.table import Record, Table
from gateway.services.app import DescribedRoute, to_json, to_response
from gateway.sources import Source, Sources
from gateway.submission import Submission

PATH = "/engage/user"
_MOST = 32 * 1024


class Person(msgspec.Struct):
    """What is sent of one, and what is shown."""

    person: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]


class Trouble(msgspec.Struct):
    message: str


_decode = msgspec.json.Decoder(Person).decode


def routes(sources: Sources, people: Table, journal: Journal, budget: body.Budget) -> list[DescribedRoute]:
    """Under all the paths by which its hosts are known."""
    api = _UserApi(sources, people, journal, budget)
    return [DescribedRoute(f"{prefix}{PATH}", api.answer, OPERATIONS) for prefix in ("", "/api", "/v1.0")]


class _Denied(Exception):
    """Why a call is not answered: its status, and what is said."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.response = to_json(Trouble(message), status, headers)


class _UserApi:
    def __init__(self, sources: Sources, people: Table, journal: Journal, budget: body.Budget) -> None:
        self.sources = sources
        self.people = people
        self.journal = journal
        self.budget = budget

    async def answer(self, request: Request) -> Response:
        try:
            source, user_id = self._authorize(request)
            if request.method == "PUT":
                await self._merge(request, source, user_id)
            elif request.method == "DELETE":
                await to_thread.run_sync(self.people.remove, source.site_id, user_id)
            else:
                return await self._show(source, user_id)
        except _Denied as denied:
            return denied.response
        except TryLater as trouble:
            headers = {name.decode(): value.decode() for name, value in retry_headers(trouble)}
            return to_json(Trouble(trouble.message), 503, headers)
        except Refusal as refusal:
            status = 400 if isinstance(refusal, UnreadableBody) else refusal.status
            return to_json(Trouble(str(refusal)), status)
        return to_response(SUCCESS)

    def _authorize(self, request: Request) -> tuple[Source, str]:
        given = request.query_params
        site, user_id, token = (given.get(name, "") for name in ("site", "user_id", "token"))
        if not (site and user_id and token):
            raise _Denied(400, "site, user_id and token are required")
        source = self.sources.authorize(token)
        if source is None or source.site_id != site:
            raise _Denied(403, "The token is not valid for this site")
        return source, user_id

    async def _show(self, source: Source, user_id: str) -> Response:
        person = await to_thread.run_sync(self.people.find, source.site_id, user_id)
        if person is None:
            raise _Denied(404, "Person not found")
        return to_json(Person(Raw(person)), 200)

    async def _merge(self, request: Request, source: Source, user_id: str) -> None:
        """Durable as a record and as an event, in that order: a call that failed may be repeated."""
        sent = await body.read(request.scope, request.receive, _MOST, self.budget)
        try:
            sent.decode()
            person = objects.read(_decode(sent).person)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UnreadableBody('the body must be {"person": {…}}') from error
        record = Record(user_id, objects.write(person))
        await to_thread.run_sync(self.people.merge, source.site_id, [record])
        await self.journal.append([_identify(request, source, user_id, person)])


def _identify(request: Request, source: Source, user_id: str, person: dict[str, Raw]) -> bytes:
    """The canonical line that tells the sinks of it."""
    now = time.time_ns() // 1_000_000
    received = timestamps.write(now)
    submission = Submission("PUT", PATH, dict(request.scope["headers"]), b"", b"", "", now, received)
    traits = Raw(objects.write(to_traits({name: value for name, value in person.items() if name != "id"})))
    message = Message(type="identify", user_id=user_id, traits=traits, channel="server")
    origin = Origin(source.name, "commandersact", source.site_id, PATH)
    normalize(message, submission, DecodedSubmission([message]), Provenance.of(origin))
    return encode(message)


_PARAMETERS = (query("site", "Whose person it is.", required=True), query("user_id", "", required=True))
_TOKEN: Fragment = {
    "apiToken": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "One of the source's `api_tokens`.",
    }
}
_REPLIES = {
    400: Reply("A parameter is missing, or the body is not as it must be.", [Trouble]),
    403: Reply("The token is not valid for the site.", [Trouble]),
    503: Reply("The records cannot be reached now.", [Trouble], RETRY),
}

OPERATIONS = {
    "GET": Operation(
        summary="What is known of a person",
        parameters=_PARAMETERS,
        security=_TOKEN,
        replies={
            200: Reply("All of it.", [Person]),
            404: Reply("Nobody is known by this id.", [Trouble]),
            **_REPLIES,
        },
    ),
    "PUT": Operation(
        summary="Add to what is known of a person",
        description="Fields win, and null takes away. It also goes on as an `identify` event.",
        parameters=_PARAMETERS,
        security=_TOKEN,
        shapes=[Person],
        examples=examples(person={"person": {"firstname": "Ann", "email": "ann@example.com"}}),
        replies={
            200: Reply("It is stored.", [Success]),
            413: Reply("The body is too large.", [Trouble]),
            **_REPLIES,
        },
    ),
    "DELETE": Operation(
        summary="Forget a person",
        parameters=_PARAMETERS,
        security=_TOKEN,
        replies={200: Reply("Nothing is known any more.", [Success]), **_REPLIES},
    ),
}
