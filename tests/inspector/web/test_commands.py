"""The command to send an event again: a shell runs what is meant, whatever strangers wrote."""

import subprocess

import msgspec
import pytest
from msgspec import Raw

from gateway.inspector.queries.events import EventJourney, EventRow
from gateway.inspector.queries.raw import NoRaw, RawRequest
from gateway.inspector.web.commands import curl, quote
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
        *("curl", "-X", "POST", "http://gw/v1/track"),
        *("-H", "X-Write-Key: ", "-H", "content-type: application/json", "--data-binary", "{}"),
    ]


def test_an_image_is_fetched_with_its_query() -> None:
    raw = msgspec.structs.replace(
        REQUEST, method="GET", route="/v1/pixel/track", query="a=b&c=d", body="", headers={}
    )

    assert run(curl("http://gw", journey(raw)))[3] == "http://gw/v1/pixel/track?a=b&c=d"


def test_without_its_request_the_event_itself_is_sent() -> None:
    words = run(curl("http://gw", journey(NoRaw("gone"))))

    assert (words[3], words[-1]) == ("http://gw/v1/batch", '{"batch":[{"type":"track"}]}')
