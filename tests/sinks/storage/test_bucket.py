"""Storage in a bucket: a real S3 server, with what can go wrong between it and us."""

import ssl
from pathlib import Path

import anyio
import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkError, SinkMisconfigured, SinkUnavailable
from gateway.sinks.storage import bucket
from gateway.sinks.storage.base import MARKER, create, probe
from gateway.sinks.storage.bucket import Bucket
from tests.journey import needs
from tests.sinks import seaweed
from tests.sinks.seaweed import Server
from tests.sinks.storage.answering import answering, status

pytestmark = pytest.mark.anyio


async def test_an_object_is_created_once(s3: Server) -> None:
    created = [await s3.bucket("once").create("date=1/a%20b.parquet", each) for each in (b"one", b"two")]

    assert created == [True, False]
    assert s3.objects("once") == {"date=1/a%20b.parquet": b"one"}


async def test_the_probe_finds_that_the_server_replaces_nothing(s3: Server) -> None:
    for _ in range(2):
        await probe(s3.bucket("probe"))

    assert list(s3.objects("probe")) == [MARKER]


async def test_a_store_that_replaces_objects_is_refused(s3: Server) -> None:
    with (
        answering(status("200 OK")) as server,
        pytest.raises(SinkMisconfigured, match="the store replaces files although it was asked not to"),
    ):
        await probe(s3.bucket("probe", endpoint=server.endpoint))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param({"secret_key": "wrong-secret"}, "SignatureDoesNotMatch", id="wrong secret"),
        pytest.param({"access_key": "wrong-key"}, "InvalidAccessKeyId", id="unknown key"),
        pytest.param(
            {"access_key": seaweed.READ_ONLY, "secret_key": seaweed.READ_ONLY_SECRET},
            "AccessDenied",
            id="no right to write",
        ),
        pytest.param({"url": "s3://no-such-bucket/x"}, "NoSuchBucket", id="no bucket"),
    ],
)
async def test_what_an_operator_must_mend_is_told_apart(
    s3: Server, settings: dict[str, str], says: str
) -> None:
    with pytest.raises(SinkMisconfigured) as raised:
        await s3.bucket("x", **settings).create("a", b"content")

    assert says in raised.value.answer
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(status("503 Slow Down"), SinkUnavailable, id="overload"),
        pytest.param(status("500 Internal Server Error"), SinkUnavailable, id="internal error"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", SinkUnavailable, id="half an answer"),
        pytest.param(status("409 Conflict"), SinkUnavailable, id="another request for the name"),
        pytest.param(status("301 Moved Permanently"), SinkMisconfigured, id="another region"),
        pytest.param(status("401 Unauthorized"), SinkMisconfigured, id="unauthenticated"),
    ],
)
async def test_an_answer_decides_who_must_act(answer: bytes, kind: type[SinkError], s3: Server) -> None:
    with answering(answer) as server, pytest.raises(kind):
        await s3.bucket("x", endpoint=server.endpoint).create("a", b"content")


async def test_a_store_that_is_gone_is_unavailable(s3: Server) -> None:
    with pytest.raises(SinkUnavailable, match="error sending request"):
        await s3.bucket("x", endpoint="http://127.0.0.1:1").create("a", b"content")


async def test_a_store_that_hangs_is_unavailable_at_the_deadline(s3: Server) -> None:
    with (
        answering(b"") as server,
        pytest.raises(SinkUnavailable, match=r"s3://events/x: no answer within 0\.2 s"),
    ):
        await create(s3.bucket("x", endpoint=server.endpoint), "a", b"content", deadline_seconds=0.2)


async def test_an_object_that_was_stored_although_its_answer_was_lost_is_created_once(s3: Server) -> None:
    await create(s3.bucket("lost"), "a", b"content")

    assert not await create(s3.bucket("lost"), "a", b"content")


async def test_secrets_of_an_answer_are_masked(s3: Server) -> None:
    echo = status("403 Forbidden", f"<Key>{seaweed.SECRET_KEY} {seaweed.ACCESS_KEY} https://x/?sig=abc</Key>")

    with answering(echo) as server, pytest.raises(SinkMisconfigured) as raised:
        await s3.bucket("x", endpoint=server.endpoint).create("a", b"content")

    assert "<Key>******** ******** https://x/</Key>" in raised.value.answer
    assert seaweed.SECRET_KEY not in f"{raised.value!r} {raised.value}"


async def test_an_answer_is_kept_up_to_4_kb(s3: Server) -> None:
    with (
        answering(status("403 Forbidden", "x" * 20_000)) as server,
        pytest.raises(SinkMisconfigured) as raised,
    ):
        await s3.bucket("x", endpoint=server.endpoint).create("a", b"content")

    assert len(raised.value.answer) == 4096


async def test_plain_http_is_never_used_unless_the_endpoint_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(status("200 OK")) as server:
        monkeypatch.setenv("AWS_ENDPOINT", server.endpoint)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        found = Bucket("s3://events/x", access_key=Secret("a"), secret_key=Secret("b"))

        with pytest.raises(SinkMisconfigured, match="which only `endpoint` may"):
            await found.create("a", b"content")


async def test_a_certificate_that_is_not_trusted_needs_an_operator(tmp_path: Path, s3: Server) -> None:
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    request = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost")
    await anyio.run_process([needs.program("openssl"), *request, "-keyout", key, "-out", certificate])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    with answering(status("200 OK"), context) as server:
        endpoint = server.endpoint.replace("http://127.0.0.1", "https://localhost")
        with pytest.raises(SinkMisconfigured, match="certificate is not valid"):
            await s3.bucket("x", endpoint=endpoint).create("a", b"content")


async def test_credentials_can_come_from_the_environment(s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", seaweed.ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", seaweed.SECRET_KEY)

    created = await Bucket("s3://events/environment", endpoint=s3.endpoint).create("a", b"content")

    assert created


@pytest.mark.parametrize(
    ("url", "settings", "key"),
    [
        pytest.param("gs://bucket", {"region": "eu-west-1"}, "region", id="a region that is S3's"),
        pytest.param("", {}, "url", id="empty"),
        pytest.param("https://bucket/x", {}, "url", id="another scheme"),
        pytest.param("s3://", {}, "url", id="no bucket"),
        pytest.param("s3://user:password@bucket", {}, "url", id="a password"),
        pytest.param("az://account", {}, "url", id="no container"),
        pytest.param("s3://bucket", {"endpoint": "store.example"}, "endpoint", id="endpoint without scheme"),
        pytest.param("s3://bucket", {"access_key": "a"}, "secret_key", id="half of the credentials"),
        pytest.param("gs://bucket", {"access_key": "a"}, "access_key", id="a key that is S3's"),
    ],
)
def test_a_mistake_names_its_key(url: str, settings: dict[str, str], key: str) -> None:
    secrets = [Secret(settings[name]) if name in settings else None for name in ("access_key", "secret_key")]

    assert [
        found
        for found, _ in bucket.mistakes(
            url, settings.get("endpoint", ""), settings.get("region", ""), secrets
        )
    ] == [key]


@pytest.mark.parametrize(
    "url", ["s3://bucket", "s3://bucket/a/b/", "gs://bucket/a", "az://account/container/a"]
)
def test_a_right_address_has_no_mistake(url: str) -> None:
    assert bucket.mistakes(url, "https://store.example", "", (None, None)) == []
