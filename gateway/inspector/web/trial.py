"""Try a refused event again: judge it as the intake would with the present configuration, store nothing."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

import msgspec

from gateway.config.tables import Config
from gateway.delivery.route import Route
from gateway.dialects import DIALECTS
from gateway.inspector.queries.errors import InvalidQuery
from gateway.inspector.queries.refused import RefusedRow
from gateway.intake.endpoint import Endpoint
from gateway.intake.router import begin
from gateway.services.validation import Item, UnknownRoute, Validator
from gateway.sources import Sources
from gateway.submission import Submission

# What is kept has *** for each key; the key of the chosen source takes its place.
_NAMES = "writeKey|write_key|write-key|token|tc_skey"
_IN_BODY = re.compile(rf'("(?:{_NAMES})"\s*:\s*)"\*\*\*"', re.IGNORECASE)
_IN_QUERY = re.compile(rf"((?:^|&)(?:{_NAMES})=)\*\*\*", re.IGNORECASE)
_MASK = "***"
_OF_THE_WHOLE_BODY = frozenset(("content-length", "content-encoding", "transfer-encoding", "content-digest"))


def trial(config: Callable[[], Config]) -> Callable[[RefusedRow, str, str], Item]:
    """Return the function that judges a body, sent as a refused one was, with the key of a source."""

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
        submission.body = _whole(
            row, _IN_BODY.sub(_replacement(msgspec.json.encode(key).decode()), body)
        ).encode()
        items = validator.validate(endpoint, submission).items
        return items[0] if items else Item(verdict="ignored")  # such as an empty list of a webhook

    return judge


def _submission(row: RefusedRow, route: str, key: str, site: str) -> Submission:
    headers = dict(_headers(row, key))
    query = _IN_QUERY.sub(_replacement(quote(key, safe="")), row.query)
    if key and row.dialect.startswith("commandersact") and not re.search(r"(^|&)(token|tc_skey)=", query):
        query += f"&tc_s={quote(site)}&token={quote(key, safe='')}"
    return begin(row.method, route, headers, query.strip("&").encode(), row.address)


def _headers(row: RefusedRow, key: str) -> Iterator[tuple[bytes, bytes]]:
    for name, value in row.headers.items():
        if name.lower() not in _OF_THE_WHOLE_BODY and value != _MASK:
            yield name.lower().encode("latin-1", "replace"), value.encode()
    if key:
        yield b"x-write-key", key.encode()


def _replacement(value: str) -> Callable[[re.Match[str]], str]:
    return lambda found: found[1] + value


def _whole(row: RefusedRow, body: str) -> str:
    """Return the body of a request with one event: those of a batch are kept apart."""
    return f'{{"batch":[{body}]}}' if row.place is not None and row.dialect in ("segment", "jitsu") else body
