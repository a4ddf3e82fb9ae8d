"""Malformed and ambiguous requests: a real server refuses them and everything after them."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.build import to_json, track
from tests.gateway import PATIENCE, Gateway
from tests.journey.hostile import GOOD, names, request, talk, unaffected

SMUGGLED = request(to_json(track(event="smuggled in")))
LAST = request(head=b"Connection: close\r\nContent-Length: %d\r\n")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all tests: none may affect the next."""
    with Gateway(tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture(autouse=True)
def _unharmed(running: Gateway) -> Iterator[None]:
    with unaffected(running):
        yield


SMUGGLING = {
    "two lengths": b"Content-Length: 59\r\nContent-Length: 60\r\n",
    "the same length twice": b"Content-Length: 59\r\nContent-Length: 59\r\n",
    "a negative length": b"Content-Length: -1\r\n",
    "a length with a plus": b"Content-Length: +3\r\n",
    "a length in hexadecimal": b"Content-Length: 0x3\r\n",
    "a list of lengths": b"Content-Length: 3, 3\r\n",
    "a length past 64 bits": b"Content-Length: 18446744073709551617\r\n",
    "a length and chunks": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n",
    "an unknown encoding": b"Transfer-Encoding: xchunked\r\n",
    "an encoding after a control character": b"Transfer-Encoding: \x0bchunked\r\n",
    "chunks that are not last": b"Transfer-Encoding: chunked, identity\r\n",
    "a bare line feed": b"X-A: b\nContent-Length: 3\r\n",
    "a bare carriage return": b"X-A: b\rContent-Length: 3\r\n",
    "a NUL": b"X-A: b\x00c\r\nContent-Length: 3\r\n",
    "a folded header": b"X-A: b\r\n c\r\nContent-Length: 3\r\n",
    "no colon": b"X-A\r\nContent-Length: 3\r\n",
    "a second host": b"Host: y\r\nContent-Length: 3\r\n",
}


@pytest.mark.parametrize("head", SMUGGLING.values(), ids=SMUGGLING.keys())
def test_ambiguous_headers_are_refused_with_everything_after_them(running: Gateway, head: bytes) -> None:
    # After a length of 3, one parser sees the rest of a body, and another a new request.
    sent = request(b"{}\n", head=head) + SMUGGLED

    statuses = talk(running, sent)

    assert statuses == [400]


CHUNKS = {
    "a size in hexadecimal": b"0x3\r\n{}\n\r\n0\r\n\r\n",
    "a bare line feed": b"3\n{}\n\r\n0\r\n\r\n",
    "a bare line feed after an extension": b"3;ext\n{}\n\r\n0\r\n\r\n",
    "a size past 64 bits": b"FFFFFFFFFFFFFFFFF\r\n{}\n\r\n0\r\n\r\n",
    "a negative size": b"-3\r\n{}\n\r\n0\r\n\r\n",
    "no end of a line": b"3\r\n{}\nXX0\r\n\r\n",
}


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS.keys())
def test_ambiguous_chunks_are_refused_with_everything_after_them(running: Gateway, chunks: bytes) -> None:
    statuses = talk(running, request(chunks, head=b"Transfer-Encoding: chunked\r\n") + SMUGGLED)

    assert statuses == [400]


def test_no_smuggled_request_arrives(running: Gateway) -> None:
    for head in SMUGGLING.values():
        talk(running, request(b"{}\n", head=head) + SMUGGLED)
    for chunks in CHUNKS.values():
        talk(running, request(chunks, head=b"Transfer-Encoding: chunked\r\n") + SMUGGLED)

    assert "smuggled in" not in names(running)


def test_a_request_without_a_host_is_refused(running: Gateway) -> None:
    assert talk(running, request().replace(b"Host: x\r\n", b"")) == [400]


def test_a_body_longer_than_content_length_is_cut_and_its_rest_is_not_a_request(running: Gateway) -> None:
    statuses = talk(running, request(GOOD, head=b"Content-Length: 10\r\n"))

    assert {*statuses} == {400}


def test_a_body_shorter_than_content_length_is_not_an_event(running: Gateway) -> None:
    event = to_json(track(event="never complete"))

    statuses = talk(running, request(event, head=b"Content-Length: 500\r\n"), hang_up=True)

    assert statuses == []
    assert "never complete" not in names(running)


@pytest.mark.parametrize(
    "sent",
    [
        request(head=b"X-A: b\r\n" * 10_000 + b"Content-Length: %d\r\n"),
        request(head=b"X-A: " + b"b" * 5_000_000 + b"\r\nContent-Length: %d\r\n"),
        request(path=b"/v1/track?" + b"a" * 100_000),
        request(head=b"X-A: b\r\n" * 101 + b"Content-Length: %d\r\n"),
    ],
    ids=["10,000 headers", "a header of 5 MB", "an address of 100 KB", "101 small headers"],
)
def test_too_large_headers_are_not_read_to_their_end(running: Gateway, sent: bytes) -> None:
    # A client that keeps sending may not receive the answer.
    assert talk(running, sent) in ([431], [])


@pytest.mark.parametrize(
    "sent",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"\0" * 1000,
        b"\r\n" * 1000,
        b"GET /v1/pixel/track?data=%00%0d%0aX:y HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://x/%0d%0aX:y HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/pixel/track?\xff HTTP/1.1\r\nHost: \xff\r\nX-\xff: \xff\r\n\r\n",
        b"GET /v1/pixel/track?a=\xff HTTP/1.1\r\nHost: x\r\nCookie: \xff\r\nOrigin: \xff\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=[
        "HTTP/2",
        "TLS",
        "HTTP/9.9",
        "zeros",
        "empty lines",
        "escaped line ends",
        "an absolute address",
        "a host that is not ASCII",
        "headers that are not ASCII",
        "h2c",
        "a web socket",
        "CONNECT",
        "an asterisk",
    ],
)
def test_malformed_requests_are_not_server_errors(running: Gateway, sent: bytes) -> None:
    statuses = talk(running, sent + LAST)

    assert statuses
    assert all(200 <= status < 500 for status in statuses)


@pytest.mark.parametrize("apart", [False, True], ids=["in one piece", "in two"])
def test_an_upgrade_header_costs_no_event(running: Gateway, apart: bool) -> None:
    # Java's HttpClient offers HTTP/2 with the first request on each connection.
    event = to_json(track(event=f"offered {apart}"))
    offer = (
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: %d\r\n"
    )
    whole = request(event, head=offer)
    cut = len(whole) - len(event) if apart else len(whole)

    with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) as connection:
        connection.sendall(whole[:cut])
        running.post("/v1/track", track())  # so that the first part arrives alone
        connection.sendall(whole[cut:])
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert f"offered {apart}" in names(running)


def test_a_body_with_an_upgrade_header_is_not_a_request(running: Gateway) -> None:
    hidden = request(to_json(track(event="hidden in a body")))
    head = request(hidden, head=b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n")

    with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) as connection:
        connection.sendall(head[: -len(hidden)])
        running.post("/v1/track", track())
        connection.sendall(hidden)
        connection.recv(65536)

    running.post("/v1/track", track(event="after it"))
    assert "after it" in (found := names(running))
    assert "hidden in a body" not in found


def test_a_client_that_expects_100_continue_receives_it(running: Gateway) -> None:
    statuses = talk(
        running, request(head=b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n")
    )

    assert statuses == [100, 200]


def test_clients_that_never_finish_affect_no_other(running: Gateway) -> None:
    starts = [
        b"P",
        request()[:30],
        request(head=b"Content-Length: 400000\r\n"),
        request(b"1\r\n{", head=b"Transfer-Encoding: chunked\r\n"),
    ]
    with ExitStack() as open_connections:
        for start in starts * 50:
            slow = open_connections.enter_context(socket.create_connection(("127.0.0.1", running.port)))
            slow.sendall(start)

        statuses = [running.post("/v1/track", track()).status for _ in range(10)]

    assert statuses == [200] * 10
