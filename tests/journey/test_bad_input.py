"""Malformed bodies: a real server answers each without failing, and loses no valid event."""

import gzip
import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.build import to_json, track
from tests.gateway import PATIENCE, Gateway, until
from tests.journey.hostile import GOOD, names, peak, request, talk, unaffected

BOMB = gzip.compress(bytes(50_000_000))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all tests: none may affect the next."""
    with Gateway(tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture(autouse=True)
def _unharmed(running: Gateway) -> Iterator[None]:
    with unaffected(running):
        yield


def post(running: Gateway, bodies: list[bytes], path: str) -> list[int]:
    """Send all on one connection, and return the statuses."""
    statuses = []
    with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE)) as connection:
        for body in bodies:
            connection.request("POST", path, body, {"X-Write-Key": "dev"})
            with connection.getresponse() as response:
                response.read()
                statuses.append(response.status)
    return statuses


WRONG_TYPES: list[Any] = [None, True, 0, -1.5, "x", "", [], [1], {}, {"a": 1}, [[{}]]]
ENVELOPE = {"batch": [track()], "context": {}, "integrations": {}, "sentAt": "", "timestamp": ""}
BODIES = {
    "cut off anywhere": [GOOD[:length] for length in range(len(GOOD))],
    "a batch cut off anywhere": [to_json(ENVELOPE)[:length] for length in range(len(to_json(ENVELOPE)))],
    "a byte changed": [GOOD[:at] + b"\xff" + GOOD[at + 1 :] for at in range(len(GOOD))],
    "wrong types of the root": [to_json(value) for value in WRONG_TYPES],
    "wrong types of a field": [
        to_json(track(**{field: value}))
        for value in WRONG_TYPES
        for field in (
            "type",
            "userId",
            "event",
            "messageId",
            "context",
            "properties",
            "timestamp",
            "writeKey",
        )
    ],
    "wrong types of an envelope": [
        to_json({**ENVELOPE, field: value}) for value in WRONG_TYPES for field in [*ENVELOPE, "writeKey"]
    ],
    "wrong types of an entry": [to_json({"batch": [value, track(), value]}) for value in WRONG_TYPES],
    "wrong types in a context": [
        to_json(track(context={field: value}))
        for value in WRONG_TYPES
        for field in ("consent", "direct", "ip", "library", "page", "traits")
    ],
    "depth": [
        b"[" * 10_000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"userId":"u","event":"E","properties":' + b'{"a":' * 2000 + b"1" + b"}" * 2001,
        b'{"batch":' * 10_000,
    ],
    "numbers": [
        b'{"userId":%b,"event":"E","timestamp":%b,"properties":{"n":%b}}' % (number, number, number)
        for number in (
            b"9" * 400,
            b"9" * 4000,
            b"-0",
            b"1e400",
            b"1E-400",
            b"0." + b"1" * 400,
            b"NaN",
            b"-Infinity",
        )
    ],
    "texts": [
        b'{"userId":"%b","event":"%b"}' % (text, text)
        for text in (
            b"\\ud83d",
            b"\\udfff\\ud83d",
            b"\\u0000",
            b"\x00",
            b"\xff",
            b"\xc0\x80",
            b"\xed\xa0\xbd",
            b"\\x",
        )
    ],
    "names": [
        b'{"userId":"u","event":"E","%b":1}' % name
        for name in (b"\\ud83d", b"\\u0000", b"\x00", b"\xff", b"")
    ],
    "duplicate keys": [b'{"userId":"u","userId":["u"],"event":"E","event":{}}', b'{"batch":[],"batch":1}'],
    "byte order marks": [b"\xef\xbb\xbf" + GOOD, b"\xef\xbb\xbf", b"\xff\xfe" + "{}".encode("utf-16-le")],
    "nothing": [b"", b" ", b"\n\n"],
    "many small things": [
        b"[" + b"[]," * 100_000 + b"[]]",
        b'{"":{"":' * 20_000,
        b'"' * 400_000,
        b"\\" * 400_000,
    ],
    "a key of a megabyte": [b'{"userId":"u","event":"E","%b":1}' % (b"k" * 2**20)],
    "a key of nearly as much": [b'{"userId":"u","event":"E","%b":1}' % (b"k" * 490_000)],
    "a batch of 2,501": [to_json([track()] * 2501)],
    "gzip bombs": [
        BOMB,
        gzip.compress(bytes(50_000_000)),
        gzip.compress(b"[" * 500_000),
        gzip.compress(GOOD) * 1000,
    ],
}


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
@pytest.mark.parametrize("bodies", BODIES.values(), ids=BODIES.keys())
def test_an_invalid_body_is_answered_and_a_later_valid_one_is_accepted(
    running: Gateway, path: str, bodies: list[bytes]
) -> None:
    *statuses, last = post(running, [*bodies, GOOD], path)

    assert {*statuses} <= {200, 207, 400, 413}
    assert last == 200


def test_valid_events_beside_invalid_entries_arrive(running: Gateway) -> None:
    bad = [
        b'{"a":NaN}',
        b'{"type":"track","userId":"\\ud83d"}',
        b'{"type":"track","\xff":"\xfe"}',
        b"[" * 500 + b"]" * 500,
        b"1" * 400,
        b'{"type":"track","userId":"u","event":"E","properties":{"x":"%b"}}' % (b"x" * 20_000),
        b"null",
    ]
    parts = [
        part for number, each in enumerate(bad) for part in (to_json(track(event=f"good {number}")), each)
    ]
    body = b'{"batch":[%b]}' % b",".join(parts)

    answer = running.post("/v1/batch", body)

    good = [f"good {number}" for number in range(len(bad))]
    assert (answer.status, [error["Index"] for error in answer.json["Errors"]]) == (
        207,
        [1, 3, 5, 7, 9, 11, 13],
    )
    assert [name for name in names(running) if name.startswith("good")] == good


def test_no_client_can_exhaust_the_memory_of_the_intake(running: Gateway) -> None:
    before = peak(running)
    chunk = b"%x\r\n%b\r\n" % (2**20, b" " * 2**20)

    for _ in range(3):
        talk(running, request(chunk * 50, head=b"Transfer-Encoding: chunked\r\n"), hang_up=True)
        talk(running, request(b" " * 50_000_000), hang_up=True)
        talk(running, b"A" * 50_000_000)
        talk(running, request(head=b"X-A: " + b"b" * 50_000_000 + b"\r\n"))
        post(running, [BOMB, gzip.compress(BOMB)], "/v1/batch")

    assert peak(running) - before < 16 * 1024


def test_a_too_large_body_is_refused_with_an_answer_that_arrives(running: Gateway) -> None:
    # A client whose connection is closed while it sends assumes a network failure and retries.
    statuses = post(running, [b" " * 20_000_000, GOOD], "/v1/track")

    assert statuses == [413, 200]


def test_refused_and_accepted_events_are_counted(running: Gateway) -> None:
    received, accepted = "gateway_events_received_total", "gateway_events_accepted_total"
    running.drained()
    sent_before = running.metrics()["gateway_journal_events_total"]
    until(lambda: running.metrics()[accepted] == sent_before)
    before = running.metrics()[received]

    post(
        running, [b"{", json.dumps(track(userId=None)).encode(), to_json([track(), 1, track()])], "/v1/batch"
    )

    until(lambda: running.metrics()[received] == before + 5)
    assert running.metrics()[accepted] == sent_before + 2
