"""
Recorded requests of clients that cannot run here, sent to a real server over a real socket.

A recording holds the headers and body of each request as its client writes them, the answer that the client
needs, and the events that must arrive.
"""

import gzip
import json
import socket
from collections.abc import Iterator, Sequence
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from tests.gateway import PATIENCE, Answer, Gateway, until

Fields = dict[str, Any]

FOLDER = Path(__file__).parents[1] / "dialects/recordings"
FILES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
CLIENTS: dict[str, Fields] = {name: file for name, file in FILES.items() if "requests" in file}

CONFIG = """
[server]
port = 0
[inspector]
port = 0
[sources.app]
write_keys = ["wk_test"]
[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
integration = "archive"
"""

CHUNK = 256  # bytes; clients use a size larger than most of their bodies


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all recordings, whose events have distinct names."""
    with Gateway(tmp_path_factory.mktemp("gateway"), CONFIG) as found:
        yield found


def send(running: Gateway, request: Fields) -> Answer:
    """Send a recorded request, compressed and chunked as its headers say."""
    headers, body = request["headers"], text(request["body"])
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.compress(body)
    if headers.get("Transfer-Encoding") == "chunked":
        parts = [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])
    lines = [f"{name}: {value.format(length=len(body))}\r\n" for name, value in headers.items()]
    head = f"{request['method']} {request['target']} HTTP/1.1\r\n{''.join(lines)}\r\n"
    with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode())
        if "Expect" in headers:
            assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        response = HTTPResponse(connection)
        response.begin()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())


def text(body: Any) -> bytes:
    """Return a body: a string as recorded, other JSON without white space."""
    whole = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return whole.encode()


def arrived(running: Gateway, names: Sequence[str]) -> list[Fields]:
    """Wait for the events with these names, and return them in order of delivery."""

    def found() -> list[Fields]:
        return [event for event in running.events() if event["messageId"] in names]

    until(lambda: len(found()) >= len(names))
    return found()


@pytest.mark.parametrize(
    "recorded",
    [
        pytest.param(request, id=f"{client}: {request['name']}")
        for client, recording in CLIENTS.items()
        for request in recording["requests"]
    ],
)
def test_a_recorded_request_gets_its_answer_and_arrives_field_for_field(
    running: Gateway, recorded: Fields
) -> None:
    expected, needed = recorded["events"], recorded["answer"]

    answer = send(running, recorded)

    assert answer.status == needed["status"]
    assert answer.headers.items() >= needed.get("headers", {}).items()
    assert answer.json == needed.get("body", answer.json)
    events = arrived(running, [event["messageId"] for event in expected])
    assert events == [
        {**one, "receivedAt": event["receivedAt"]} for one, event in zip(expected, events, strict=True)
    ]


def batch(client: str, *entries: Fields) -> Fields:
    """Return a client's first request with other events, completed from its first event."""
    request: Fields = CLIENTS[client]["requests"][0]
    body = json.loads(text(request["body"]))
    return {**request, "body": {**body, "batch": [{**body["batch"][0], **entry} for entry in entries]}}


@pytest.mark.parametrize("client", CLIENTS)
def test_the_status_for_a_partly_invalid_batch_suits_the_client(running: Gateway, client: str) -> None:
    good, bad = f"{client}: good among bad", f"{client}: bad among good"

    answer = send(running, batch(client, {"messageId": good}, {"messageId": bad, "type": "unheard of"}))

    assert answer.status == CLIENTS[client]["answers"]["partly bad"]
    assert (answer.json["Accepted"], answer.json["Rejected"]) == (1, 1)
    assert [(error["code"], error["MessageId"]) for error in answer.json["Errors"]] == [("unknown_type", bad)]
    assert len(arrived(running, [good])) == 1


@pytest.mark.parametrize("client", CLIENTS)
def test_a_batch_without_a_valid_event_is_not_retried(running: Gateway, client: str) -> None:
    answer = send(running, batch(client, {"type": "unheard of"}, {"type": ""}))

    assert answer.status == CLIENTS[client]["answers"]["wholly bad"]
    assert (answer.json["Accepted"], answer.json["Rejected"]) == (0, 2)
    assert answer.json["code"] == "unknown_type"
    assert answer.json["message"] == "The event's type is not one of the six"


@pytest.mark.parametrize("client", CLIENTS)
def test_the_status_for_a_too_large_batch_suits_the_client(running: Gateway, client: str) -> None:
    large = [{"messageId": f"{client}: large {number}", "name": "x" * 14_000} for number in range(40)]

    answer = send(running, batch(client, *large))

    assert answer.status == CLIENTS[client]["answers"]["too large"]
    assert (answer.json["code"], answer.json["Accepted"]) == ("body_too_large", 0)
    assert answer.json["message"] == "Error reading request body"
