"""Write a command that sends an event again; what strangers wrote is quoted for the shell."""

import re
import shlex
from collections.abc import Iterator, Mapping

from gateway.inspector.queries.events import EventJourney
from gateway.inspector.queries.raw import NoRaw
from gateway.inspector.web.masked import IN_BODY, IN_QUERY, around_keys

_OF_THE_CONNECTION = frozenset(
    ("host", "content-length", "connection", "accept-encoding", "transfer-encoding", "content-encoding")
)
_KEYS = frozenset(("authorization", "x-write-key"))
_KEY = "$WRITE_KEY"


def curl(gateway: str, journey: EventJourney) -> str:
    """Return the command for the gateway at an address, with the event's own request if it was kept."""
    request = journey.raw
    if isinstance(request, NoRaw):
        body = '{"batch":[' + bytes(journey.canonical).decode() + "]}"
        parts = _command(f"{gateway}/v1/batch", "POST", {}, body)
    else:
        url = f"{gateway}{request.route}" + (f"?{request.query}" if request.query else "")
        parts = _command(url, request.method, request.headers, request.body)
    return " \\\n  ".join(parts)


def _command(url: str, method: str, headers: Mapping[str, str], body: str) -> Iterator[str]:
    # Without this option, curl would read brackets and braces in a query as ranges of addresses to fetch.
    yield f"curl --globoff -X {quote(method)} {_with_key(IN_QUERY, url)}"
    yield f'-H "X-Write-Key: {_KEY}"'
    for name, value in headers.items():
        if name.lower() not in _OF_THE_CONNECTION | _KEYS:
            yield f"-H {quote(f'{name}: {value}')}"
    if body:
        # Other options treat a body that begins with @ as the name of a file.
        yield f"--data-raw {_with_key(IN_BODY, body)}"


def _with_key(masked: re.Pattern[str], text: str) -> str:
    """Return a text as one shell word, with the key in the places where it was masked."""
    return f'"{_KEY}"'.join(map(quote, around_keys(masked, text)))


def quote(text: str) -> str:
    """Return a text as one shell word without any character that could control a terminal."""
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(map(_escape, text)) + "'"


def _escape(character: str) -> str:
    if character.isprintable() and character not in "\\'":
        return character
    return "".join(f"\\x{octet:02x}" for octet in character.encode(errors="replace"))
