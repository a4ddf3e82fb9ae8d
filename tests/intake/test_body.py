"""A body arrives whole, inflated and no larger than allowed, or not at all."""

import gzip
import io
import zlib

import pytest

from gateway.errors import BodyTooLarge, Overloaded, Refusal, UnreadableBody
from gateway.intake.body import Budget, Disconnected, check_length, finish, read_rest
from tests.build import Door, run, to_json, to_scope, track

BODY = to_json(track())
RAW = zlib.compressobj(wbits=-15)
RAW_DEFLATE = RAW.compress(BODY) + RAW.flush()
MOST = 500 * 1024


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(BODY), "gzip"),
        (gzip.compress(BODY), "GZIP "),
        (gzip.compress(BODY), "x-gzip"),
        (gzip.compress(BODY), ""),
        (gzip.compress(BODY), "deflate"),
        (zlib.compress(BODY), "deflate"),
        (RAW_DEFLATE, "deflate"),
        (BODY, "gzip"),
        (BODY, "identity"),
        (b"\xef\xbb\xbf" + BODY, ""),
        (gzip.compress(b"\xef\xbb\xbf" + BODY), "gzip"),
        (gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), "gzip"),
        (gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), ""),
        (b"".join(gzip.compress(bytes([each])) for each in BODY), "gzip"),
        (gzip.compress(b"") + gzip.compress(BODY) + gzip.compress(b""), "gzip"),
        (gzip.compress(BODY) + bytes(512), "gzip"),
        (gzip.compress(BODY) + b"\r\n", "gzip"),
        (gzip.compress(BODY[:9]) + bytes(7) + gzip.compress(BODY[9:]) + b"\n", "gzip"),
        (zlib.compress(BODY) + b"\n", "deflate"),
    ],
    ids=[
        "gzip",
        "in capitals",
        "x-gzip",
        "gzip without the header",
        "gzip called deflate",
        "deflate",
        "deflate without its head",
        "plain called gzip",
        "identity",
        "BOM",
        "BOM in gzip",
        "two members",
        "two members without the header",
        "a member a byte",
        "empty members around",
        "padding behind",
        "a line break behind",
        "padding between members",
        "a line break behind deflate",
    ],
)
def test_a_body_may_come_in_many_wrappings(body: bytes, encoding: str) -> None:
    door = Door()

    answer = door.post("/v1/track", body, Content_Encoding=encoding)

    assert (answer.status, door.event["event"]) == (200, "Ordered")


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(BODY)[:-9], "gzip"),
        (gzip.compress(BODY)[:5], "gzip"),
        (gzip.compress(BODY) + b"more", "gzip"),
        (gzip.compress(BODY) + gzip.compress(BODY)[:-9], "gzip"),
        (gzip.compress(BODY) + b"\n" + BODY, "gzip"),
        (gzip.compress(BODY) + b"\x1f\x8b", "gzip"),
        (gzip.compress(b" ") * 5000 + gzip.compress(BODY), "gzip"),
        (gzip.compress(BODY)[:-6] + b"\0\0" + gzip.compress(BODY)[-4:], "gzip"),
        (gzip.compress(gzip.compress(BODY)), "gzip"),
        (b"\x1f\x8bnot gzip at all", ""),
        (b"\0\0\0\0", "deflate"),
        (b"\x0b\x02\x80", "br"),
        (zlib.compress(BODY), "gzip, deflate"),
        (zlib.compress(BODY), ""),
    ],
    ids=[
        "cut off",
        "cut off in its head",
        "more behind",
        "a second member cut off",
        "more behind a line break",
        "only the start of a second member",
        "more members than are counted",
        "a wrong sum",
        "twice",
        "only two bytes of it",
        "no deflate",
        "brotli",
        "two encodings",
        "deflate unannounced",
    ],
)
def test_what_cannot_be_unwrapped_is_refused(body: bytes, encoding: str) -> None:
    door = Door()

    answer = door.post("/v1/track", body, Content_Encoding=encoding)

    assert (answer.status, answer.json["code"], door.events) == (400, "unreadable_body", [])


@pytest.mark.parametrize("wrap", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_the_limit_is_that_of_the_inflated_body(wrap: type) -> None:
    headers = {b"content-encoding": b"deflate"}

    assert finish(wrap(b"[" * 1000), headers, 1000) == b"[" * 1000
    with pytest.raises(BodyTooLarge):
        finish(wrap(b"[" * 1001), headers, 1000)


def test_the_limit_counts_all_members_together() -> None:
    members = gzip.compress(b"[" * 400) + gzip.compress(b"[" * 600)

    assert finish(members, {}, 1000) == b"[" * 1000
    with pytest.raises(BodyTooLarge):
        finish(members + gzip.compress(b"["), {}, 1000)


@pytest.mark.parametrize(
    "bomb",
    [gzip.compress(bytes(50_000_000)), gzip.compress(bytes(MOST // 2)) * 1000],
    ids=["one member", "a thousand members"],
)
def test_a_bomb_is_refused(bomb: bytes) -> None:
    door = Door()

    answer = door.post("/v1/batch", bomb, Content_Encoding="gzip")

    assert len(bomb) < MOST
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("announced", [b"1001", b"9" * 30], ids=repr)
def test_an_announced_length_is_judged_before_anything_is_read(announced: bytes) -> None:
    check_length({b"content-length": b"1000"}, 1000)

    with pytest.raises(BodyTooLarge):
        check_length({b"content-length": announced}, 1000)


def test_an_announced_length_that_is_too_large_is_not_waited_for() -> None:
    door = Door()

    answer = door.request(
        "POST", "/v1/track", [b"{"] * 9, {"Content-Length": str(MOST + 1), "X-Write-Key": "dev"}
    )

    assert (answer.status, door.unread) == (413, 9)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_body_may_come_in_parts(size: int) -> None:
    door = Door()
    stream = io.BytesIO(BODY)
    parts = [*iter(lambda: stream.read(size), b""), b""]

    answer = door.request("POST", "/v1/track", parts, {"X-Write-Key": "dev"})

    assert (answer.status, door.event["event"]) == (200, "Ordered")


def test_parts_are_read_no_further_than_the_limit() -> None:
    door = Door()

    answer = door.request("POST", "/v1/track", [b"[" * 100_000] * 50, {"X-Write-Key": "dev"})

    assert (answer.status, door.unread) == (413, 44)


def test_a_client_that_leaves_is_not_answered_and_leaves_nothing() -> None:
    door = Door()

    answer = door.call(
        to_scope("POST", "/v1/track", [("Host", "x"), ("X-Write-Key", "dev")], "192.0.2.1"),
        [BODY],
        complete=False,
    )

    assert (answer, door.events) == (None, [])


@pytest.mark.parametrize(
    ("parts", "budget", "error"),
    [
        ([b"x" * 10] * 3, 1000, None),
        ([b"x" * 10] * 3, 15, Overloaded),
        ([b"x" * 60] * 3, 1000, BodyTooLarge),
        ([], 1000, Disconnected),
    ],
    ids=["complete", "no budget", "too large", "left"],
)
def test_the_budget_is_given_back_whatever_happens(
    parts: list[bytes], budget: int, error: type[Exception] | None
) -> None:
    held = Budget(budget)
    left = list(parts)
    raised: list[type[Exception]] = []

    async def receive() -> dict[str, object]:
        if not left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def read() -> None:
        try:
            await read_rest(b"start", receive, 100, held)
        except (Refusal, Disconnected) as problem:
            raised.append(type(problem))

    run(read())

    assert (raised, held.left) == ([error] if error else [], budget)


def test_unreadable_is_what_unwrapping_raises() -> None:
    with pytest.raises(UnreadableBody, match="cut off"):
        finish(gzip.compress(BODY)[:-1], {}, MOST)
