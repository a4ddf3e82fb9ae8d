"""`POST /v1/validate`: what would become of a body of any dialect; nothing is stored."""

import msgspec
from anyio import CapacityLimiter, WouldBlock, to_thread
from starlette.requests import Request
from starlette.responses import Response

from gateway.dialects.shared.describing import HEADER_KEYS, QUERY_KEY, RETRY
from gateway.errors import Overloaded, Refusal, TryLater
from gateway.intake import body, sender
from gateway.intake.router import begin, to_dict
from gateway.operation import Operation, Reply, examples, query
from gateway.outcome import Failure
from gateway.services.app import Denied, DescribedRoute, to_json
from gateway.services.validation import UnknownRoute, Validation, Validator, refuse

PATH = "/validate"
_MAX_HELD = 16
"""The most bodies in validation or waiting for it. They wait as received, so compressed ones stay small."""

_OWN = (b"dialect", b"route")
"""Parameters that are hidden from the dialects."""


def routes(validator: Validator, budget: body.Budget, proxies: sender.Networks = ()) -> list[DescribedRoute]:
    """Return the route of the service."""
    # One at a time: the process is there to take events.
    limiter = CapacityLimiter(1)
    places = CapacityLimiter(_MAX_HELD)

    async def validate(request: Request) -> Response:
        given = request.query_params
        try:
            endpoint, route = validator.endpoint(given.get("dialect", "segment"), given.get("route", ""))
        except UnknownRoute as error:
            failure = Failure("Bad Request", str(error), "", "invalid_parameter", str(error))
            raise Denied(to_json(failure, 400)) from error
        headers = to_dict(request.scope["headers"])
        pairs = request.scope["query_string"].split(b"&")
        others = b"&".join(pair for pair in pairs if pair.partition(b"=")[0] not in _OWN)
        submission = begin("POST", route, headers, others, _client(request, proxies))
        most = endpoint.sources.widest(endpoint.dialect.LIMITS)

        def judge(sent: bytes) -> bytes:
            submission.body = body.finish(sent, headers, most)
            return msgspec.json.encode(validator.validate(endpoint, submission))

        try:
            body.check_length(headers, most)
            sent = await body.read_rest(b"", request.receive, most, budget)
            places.acquire_nowait()
            try:
                found = await to_thread.run_sync(judge, sent, limiter=limiter)
            finally:
                places.release()
        except WouldBlock:
            raise Overloaded from None
        except TryLater:
            raise
        except Refusal as refusal:
            return to_json(refuse(refusal), 200)
        return Response(found, media_type="application/json")

    return [DescribedRoute(PATH, validate, {"POST": _OPERATION})]


def _client(request: Request, proxies: sender.Networks) -> str:
    hops = [value for name, value in request.scope["headers"] if name == b"x-forwarded-for"]
    return sender.address(request.scope["client"][0], hops, proxies)


_OPERATION = Operation(
    summary="Say what would become of events, and store nothing",
    description=(
        "The body, the write key and the other parameters are those of the route. Each event gets its "
        "canonical form, its warnings, the verdict with code and hint, its place in the body, and which "
        "sinks would get it or why not. Duplicates and rates are not looked at."
    ),
    parameters=[
        query("dialect", "Whose routes, such as `commandersact`; `segment` by default."),
        query("route", "The path, such as `/v1/track`; by default that for several events."),
    ],
    security={**HEADER_KEYS, **QUERY_KEY},
    anonymous=True,
    shapes=[{"type": ["object", "array"]}],
    examples=examples(batch={"batch": [{"type": "track", "userId": "u1", "event": "Ordered"}]}),
    replies={
        200: Reply("The verdicts, whatever they are.", [Validation]),
        400: Reply("There is no such dialect or route.", [Failure]),
        503: Reply("Too much to do.", [Failure], RETRY),
    },
)
