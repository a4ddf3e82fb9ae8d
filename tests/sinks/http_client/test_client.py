"""The client of sinks that send requests, against a target that misbehaves."""

import socket
from collections.abc import Sequence

import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkError, SinkUnavailable
from gateway.sinks.http_client.answers import Answer
from gateway.sinks.http_client.client import MAX_ANSWER_BYTES, open_client, parse_url
from tests.sinks import chaos
from tests.sinks.chaos import SUCCESS, Behaviour, Target, script

pytestmark = pytest.mark.anyio


async def send(
    target: Target, times: int = 1, *, seconds: float = 30, secrets: Sequence[str] = ()
) -> list[Answer]:
    """Send requests one after another on one client."""
    hidden = map(Secret, secrets)
    async with open_client(seconds=seconds, allow_private=True, secrets=hidden) as client:
        url = parse_url(target.url + "/path?a=b%2Bc")
        return [await client.send("POST", url, {"X-Number": str(n)}, b"body") for n in range(times)]


async def fail(*behaviours: Behaviour, times: int = 1, seconds: float = 30) -> SinkError:
    with Target(script(*behaviours)) as target, pytest.raises(SinkError) as raised:
        await send(target, times, seconds=seconds)
    return raised.value


async def test_a_request_arrives_as_it_was_sent() -> None:
    with Target() as target:
        [answer] = await send(target)

    [request] = target.requests
    assert (request.method, request.target, request.body) == ("POST", "/path?a=b%2Bc", b"body")
    assert request.headers["x-number"] == "0"
    assert request.headers["accept-encoding"] == "identity"
    assert (answer.status, answer.body) == (200, SUCCESS)


async def test_requests_share_a_connection() -> None:
    with Target() as target:
        await send(target, 3)

    assert target.connections == 1


async def test_large_bodies_arrive_whole() -> None:
    body = b"x" * (3 * 1024**2)
    with Target() as target:
        async with open_client(seconds=30, allow_private=True) as client:
            await client.send("PUT", parse_url(target.url), {}, body)

    assert target.bodies == [body]


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        pytest.param(chaos.hang_up, "closed the connection without an answer", id="closed"),
        pytest.param(chaos.reset, "Connection reset by peer", id="reset"),
        pytest.param(chaos.half_a_head, "closed the connection without an answer", id="half a head"),
        pytest.param(chaos.not_http, "the answer is not HTTP", id="not HTTP"),
    ],
)
async def test_a_target_without_an_answer_is_unavailable(behaviour: Behaviour, message: str) -> None:
    error = await fail(behaviour)

    assert isinstance(error, SinkUnavailable)
    assert str(error).endswith(f": {message}")


async def test_a_target_that_does_not_answer_in_time_is_unavailable() -> None:
    error = await fail(chaos.never_answer, seconds=0.2)

    assert isinstance(error, SinkUnavailable)
    assert str(error).endswith(": no answer within 0.2 s")


async def test_a_target_that_does_not_listen_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    async with open_client(seconds=30, allow_private=True) as client:
        with pytest.raises(SinkUnavailable, match=rf"^127\.0\.0\.1:{port}: Connection refused$"):
            await client.send("POST", parse_url(f"http://127.0.0.1:{port}"), {}, b"")


async def test_a_kept_connection_that_was_closed_costs_no_failure() -> None:
    with Target(script(chaos.ACCEPT, chaos.hang_up)) as target:
        answers = await send(target, 2)

    assert [answer.status for answer in answers] == [200, 200]
    assert [request.headers["x-number"] for request in target.requests] == ["0", "1", "1"]


async def test_a_kept_connection_is_replaced_only_once() -> None:
    error = await fail(chaos.ACCEPT, chaos.hang_up, chaos.hang_up, times=2)

    assert isinstance(error, SinkUnavailable)


@pytest.mark.parametrize("status", [200, 207, 400, 500])
async def test_a_status_counts_though_the_rest_of_the_answer_breaks_off(status: int) -> None:
    with Target(script(chaos.half_a_body(status))) as target:
        [answer] = await send(target)

    assert (answer.status, answer.broken) == (status, True)


async def test_a_status_counts_though_the_rest_of_the_answer_never_comes() -> None:
    with Target(script(chaos.stall_in_body)) as target:
        [answer] = await send(target, seconds=2.0)

    assert (answer.status, answer.broken) == (200, True)


async def test_an_endless_answer_is_read_up_to_64_kilobytes() -> None:
    with Target(script(chaos.endless_body)) as target:
        first, second = await send(target, 2)

    assert (first.status, len(first.body), first.broken) == (200, MAX_ANSWER_BYTES, False)
    assert second.body == SUCCESS


async def test_an_answer_is_not_inflated() -> None:
    bomb = b"\x1f\x8b" + b"x" * 100
    with Target(script(chaos.answer(200, bomb, Content_Encoding="gzip"))) as target:
        [answer] = await send(target)

    assert answer.body == bomb


async def test_a_redirect_is_not_followed() -> None:
    with Target() as other, Target(script(chaos.answer(307, Location=other.url))) as target:
        [answer] = await send(target)

    assert (answer.status, other.requests) == (307, [])


async def test_a_cookie_is_not_sent_back() -> None:
    with Target(script(chaos.answer(Set_Cookie="a=b"))) as target:
        await send(target, 2)

    assert "cookie" not in target.requests[1].headers


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Target() as target:
        [answer] = await send(target)

    assert answer.status == 200


async def test_answers_show_no_secret() -> None:
    echo = b'{"got": "Bearer s3cret-token", "or": "s3cret-token", "key": "a+b/c=d~e"}'
    with Target(script(chaos.answer(401, echo))) as target:
        [answer] = await send(target, secrets=["Bearer s3cret-token", "a+b/c=d~e"])

    assert answer.body == b'{"got": "********", "or": "********", "key": "********"}'


async def test_answers_show_no_secret_as_json_spells_it() -> None:
    with Target(script(chaos.answer(200, b'{"your key": "quo\\"ted\\\\secret"}'))) as target:
        [found] = await send(target, secrets=['quo"ted\\secret'])

    assert found.body == b'{"your key": "********"}'


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/path",
        "hooks.example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "gopher://example.com",
        "http://",
        "http:///path",
        "http://user@example.com",
        "http://user:secret@example.com",
        "http://:secret@example.com",
        "http://example.com:port",
        "http://example.com:99999",
        "http://example.com/#fragment",
        "http://example.com/\r\nX: y",
        "http://[::1",
    ],
)
def test_what_is_no_address_of_a_target_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="address") as raised:
        parse_url(url)

    assert "secret" not in str(raised.value)


async def test_an_error_does_not_show_the_path() -> None:
    error = await fail(chaos.not_http)

    assert "path" not in str(error)
    assert (error.__cause__, error.__suppress_context__) == (None, True)
