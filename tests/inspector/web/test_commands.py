"""The command to send an event again: a shell runs what is meant, whatever strangers wrote."""

import socket
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from gateway.inspector.queries.events import EventJourney, EventRow
from gateway.inspector.queries.raw import NoRaw, RawRequest
from gateway.inspector.web.commands import curl, quote
from gateway.sources import Source
from tests.build import Door
from tests.inspector.web.hostile import CORPUS

ROW = EventRow(
    position="0/1",
    received_at="2026-11-26T09:00:00.000Z",
    source="web",
    dialect="segment",
    type="track",
    message_id="m",
    verdict="accepted",
)
EVENT = '{"type": "track", "userId": "u1", "event": "it\'s"}'
REQUEST = RawRequest(
    at="2026-11-26T09:00:00.000Z",
    method="POST",
    route="/v1/track",
    query="",
    headers={"content-type": "application/json", "authorization": "***", "content-length": "2", "host": "gw"},
    address="192.0.2.0",
    body="{}",
    body_bytes=2,
    place=None,
)


def journey(raw: RawRequest | NoRaw) -> EventJourney:
    return EventJourney(row=ROW, warnings=[], canonical=Raw(b'{"type":"track"}'), raw=raw, sinks=[])


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        pytest.param("segment", {"body": EVENT}, id="key in a header"),
        pytest.param("segment", {"body": '{"writeKey": "***", ' + EVENT[1:]}, id="key in the body"),
        pytest.param("segment", {"body": EVENT, "query": "a=it's&writeKey=***"}, id="key in the query"),
        pytest.param("segment", {"route": "/v1/batch", "body": EVENT, "place": 3}, id="one of a batch"),
        pytest.param(
            "segment",
            {"route": "/v1/batch", "body": f'{{"batch": [{EVENT}], "writeKey": "***"}}'},
            id="whole batch",
        ),
        pytest.param("jitsu", {"route": "/api/s/s2s/batch", "body": EVENT, "place": 0}, id="Jitsu"),
        pytest.param(
            "pixel",
            {
                "method": "GET",
                "route": "/v1/pixel/track",
                "query": "writeKey=***&userId=u&event=it%27s",
                "body": "",
            },
            id="image",
        ),
        pytest.param(
            "commandersact",
            {
                "route": "/events",
                "query": "tc_s=1234&token=***",
                "body": '{"event_name": "page_view", "user": {"id": "u"}}',
            },
            id="Commanders Act",
        ),
    ],
)
def test_the_request_is_accepted_again_with_the_key_of_the_shell(dialect: str, fields: Any) -> None:
    door = Door(Source("web", ("it's $my key",), site_id="1234"))
    request = msgspec.structs.replace(REQUEST, **fields)
    sent = msgspec.structs.replace(journey(request), row=msgspec.structs.replace(ROW, dialect=dialect))

    words = run(f'WRITE_KEY="it\'s \\$my key"\n{curl("http://gw", sent)}')

    named = dict(pairwise(words))
    headers = dict(line.split(": ", 1) for option, line in pairwise(words) if option == "-H")
    answer = door.request(
        named["-X"], words[4].removeprefix("http://gw"), named.get("--data-raw", "").encode(), headers
    )
    assert answer.status == 200
    assert len(door.events) == 1


def run(command: str) -> list[str]:
    """Have a shell run a command, and return the words that curl gets."""
    said = subprocess.check_output(
        ["bash", "-c", f"curl() {{ printf '%s\\0' curl \"$@\"; }}\n{command}"], text=True
    )
    return said.split("\0")[:-1]


@pytest.mark.parametrize("text", [*CORPUS, "it's", "$(id)", "`id`", "a\nb", "\\", "'\\''\n", "é漢😀\t"])
def test_a_shell_reads_the_very_text(text: str) -> None:
    said = subprocess.check_output(["bash", "-c", f"printf %s {quote(text)}"])

    assert said.decode() == text
    assert quote(text).isprintable()


def test_the_request_is_sent_as_it_came_without_its_secrets() -> None:
    words = run(curl("http://gw", journey(REQUEST)))

    assert words == [
        *("curl", "--globoff", "-X", "POST", "http://gw/v1/track"),
        *("-H", "X-Write-Key: ", "-H", "content-type: application/json", "--data-raw", "{}"),
    ]


def test_an_image_is_fetched_with_its_query() -> None:
    raw = msgspec.structs.replace(
        REQUEST, method="GET", route="/v1/pixel/track", query="a=b&c=d", body="", headers={}
    )

    assert run(curl("http://gw", journey(raw)))[4] == "http://gw/v1/pixel/track?a=b&c=d"


def test_without_its_request_the_event_itself_is_sent() -> None:
    words = run(curl("http://gw", journey(NoRaw("gone"))))

    assert (words[4], words[-1]) == ("http://gw/v1/batch", '{"batch":[{"type":"track"}]}')


def test_curl_reads_no_file_and_fetches_one_address_whatever_the_request_was(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    raw = msgspec.structs.replace(REQUEST, query="a=[1-3]&b={x,y}", body=f"@{secret}", headers={})

    with socket.create_server(("127.0.0.1", 0)) as server:
        command = curl(f"http://127.0.0.1:{server.getsockname()[1]}", journey(raw))
        with subprocess.Popen(["bash", "-c", f"exec {command} --max-time 9 --silent"], text=True) as sending:
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as request:
                head = list(iter(request.readline, b"\r\n"))
                body = request.read(len(raw.body))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            status = sending.wait()

    assert head[0] == b"POST /v1/track?a=[1-3]&b={x,y} HTTP/1.1\r\n"
    assert body == raw.body.encode()
    assert status == 0
