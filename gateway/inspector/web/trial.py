"""Try a refused event again: judge it as the intake would with the current configuration; store nothing."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

import msgspec

from gateway.config.tables import Config
from gateway.delivery.route import Route
from gateway.dialects import DIALECTS
from gateway.inspector.queries.errors import InvalidQuery
from gateway.inspector.queries.refused import RefusedRow
from gateway.inspector.web.masked import IN_BODY, IN_QUERY, around_keys
from gateway.intake.endpoint import Endpoint
from gateway.intake.router import begin
from gateway.services.validation import Item, UnknownRoute, Validator
from gateway.sources import Sources
from gateway.submission import Submission

_MASK = "***"
_OF_THE_WHOLE_BODY = frozenset(("content-length", "content-encoding", "transfer-encoding", "content-digest"))


def trial(config: Callable[[], Config]) -> Callable[[RefusedRow, str, str], Item]:
    """Return a function that judges a body as if sent like a refused one, with the key of a source."""

    def judge(row: RefusedRow, body: str, source: str) -> Item:
        now = config()
        owner = now.sources.get(source)
        if source and owner is None:
            raise InvalidQuery(f"There is no source {source!r}.")
        key = owner.write_keys[0] if owner and owner.write_keys else ""
        sources = Sources(now.sources.values())
        endpoints = [Endpoint(name, dialect, sources) for name, dialect in DIALECTS.items()]
        validator = Validator(endpoints, {name: Route(name, sink) for name, sink in now.sinks.items()})
        try:
            endpoint, route = validator.endpoint(row.dialect.partition(".")[0], row.route)
        except UnknownRoute as error:
            raise InvalidQuery(str(error)) from error
        submission = _submission(row, route, key, owner.site_id if owner else "")
        # Stored bodies have *** for each key; the key of the chosen source takes its place.
        # An event of a batch is stored alone, which the routes of batches accept as well.
        submission.body = msgspec.json.encode(key)[1:-1].decode().join(around_keys(IN_BODY, body)).encode()
        items = validator.validate(endpoint, submission).items
        return items[0] if items else Item(verdict="ignored")  # such as an empty list from a webhook

    return judge


def _submission(row: RefusedRow, route: str, key: str, site: str) -> Submission:
    headers = dict(_headers(row, key))
    query = quote(key, safe="").join(around_keys(IN_QUERY, row.query))
    if key and row.dialect.startswith("commandersact") and not re.search(r"(^|&)(token|tc_skey)=", query):
        query += f"&tc_s={quote(site)}&token={quote(key, safe='')}"
    return begin(row.method, route, headers, query.strip("&").encode(), row.address)


def _headers(row: RefusedRow, key: str) -> Iterator[tuple[bytes, bytes]]:
    for name, value in row.headers.items():
        if name.lower() not in _OF_THE_WHOLE_BODY and value != _MASK:
            yield name.lower().encode("latin-1", "replace"), value.encode()
    if key:
        yield b"x-write-key", key.encode()
