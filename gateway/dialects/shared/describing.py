"""The pieces of /openapi.json that several dialects use."""

from collections.abc import Mapping

from gateway.dialects.shared.answers import BatchResult, Success
from gateway.dialects.shared.messages import Batch
from gateway.message import Message
from gateway.operation import Fragment, Operation, Reply, examples, header
from gateway.outcome import Failure

RETRY: Fragment = {
    "Retry-After": header("Seconds after which to come back.", "integer", always=True),
    "X-RateLimit-Reset": header("The same.", "integer", always=True),
}
DURABLE: Fragment = {
    "X-Durability": header(
        "If events were stored, where they are: `fsync` on stable storage, `quorum` in the memory of most"
        " servers, `quorum-fsync` on the stable storage of most servers."
    )
}

# Where a client can put its key, apart from the body.
HEADER_KEYS: Fragment = {
    "header": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
    "basic": {"type": "http", "scheme": "basic", "description": "The key is the user; no password."},
}
QUERY_KEY: Fragment = {"query": {"type": "apiKey", "in": "query", "name": "writeKey"}}

PLAIN_REPLIES = {
    200: Reply("The event is stored.", [Success], DURABLE),
    400: Reply("It was refused; `code` says why.", [Failure]),
    413: Reply("It is too large.", [Failure]),
    429: Reply("The source sends more than its rate; nothing was stored.", [Failure], RETRY),
    503: Reply("It cannot be stored now; nothing was.", [Failure], RETRY),
}
"""The replies of plain_answer and plain_refusal to one event."""

BATCH_REPLIES = {
    200: Reply(
        "All events are stored; or some, for clients that mishandle 207. Single events have no counts.",
        [BatchResult, Success],
        DURABLE,
    ),
    207: Reply("Some are stored, those in `Errors` are not.", [BatchResult], DURABLE),
    400: Reply("None is stored.", [BatchResult, Failure]),
    413: Reply("The body, or a single event, is too large.", [BatchResult, Failure]),
    429: Reply("The source sends more than its rate; none was stored.", [BatchResult, Failure], RETRY),
    503: Reply("They cannot be stored now; none was.", [BatchResult, Failure], RETRY),
}
"""The replies of plain_answer and plain_refusal to several events."""

STRICT: Fragment = {
    "name": "X-Strict-Mode",
    "in": "header",
    "description": "`1` asks for a 207 where some clients would get a 200.",
    "schema": {"type": "string"},
}


def describe_one(type: str) -> Operation:
    event = {"userId": "u1", **EXAMPLES.get(type, {})}
    return Operation(
        summary=f"One event of type {type}",
        description="It needs a `userId` or an `anonymousId`; numbers are read as texts.",
        security={**HEADER_KEYS, **QUERY_KEY},
        anonymous=True,  # an event may name its own key
        shapes=[Message],
        examples=examples(event=event),
        replies=PLAIN_REPLIES,
    )


def describe_many(summary: str) -> Operation:
    event = {"type": "track", "userId": "u1", **EXAMPLES["track"]}
    return Operation(
        summary=summary,
        description="Each event needs a `type`, and is judged on its own: one refused harms no other.",
        parameters=[STRICT],
        security={**HEADER_KEYS, **QUERY_KEY},
        anonymous=True,
        shapes=[Batch, list[Message], Message],
        examples=examples(
            batch={"batch": [event], "context": {"app": {"name": "shop"}}}, array=[event], event=event
        ),
        replies=BATCH_REPLIES,
    )


EXAMPLES: Mapping[str, Fragment] = {
    "identify": {"traits": {"email": "ann@example.com"}},
    "track": {"event": "Order Completed", "properties": {"revenue": 9.5}},
    "page": {"name": "Home", "properties": {"url": "https://example.com/"}},
    "screen": {"name": "Home"},
    "group": {"groupId": "g1", "traits": {"name": "Example"}},
    "alias": {"previousId": "a1"},
}
"""Examples of an event's fields other than its type and its person."""
