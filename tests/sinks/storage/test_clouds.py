"""
Google Cloud Storage and Azure, as far as their servers are not needed: requests and the meaning of answers.

Headers: https://cloud.google.com/storage/docs/xml-api/reference-headers and
https://learn.microsoft.com/rest/api/storageservices/put-blob.
"""

import base64
import json

import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkError, SinkMisconfigured, SinkUnavailable
from gateway.sinks.storage.bucket import Bucket
from tests.sinks.storage.answering import answering, status

pytestmark = pytest.mark.anyio

SERVICE_ACCOUNT = Secret(
    json.dumps({"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""})
)
ACCOUNT_KEY = Secret(base64.b64encode(b"k" * 64).decode())

each_cloud = pytest.mark.parametrize(
    ("url", "key", "path", "header"),
    [
        pytest.param(
            "gs://bucket/lake",
            SERVICE_ACCOUNT,
            b"PUT /bucket/lake%2Fdate%3D1%2Fa%2520b%2Eparquet ",
            b"x-goog-if-generation-match: 0",
            id="gs",
        ),
        pytest.param(
            "az://account/container/lake",
            ACCOUNT_KEY,
            b"PUT /container/lake/date=1/a%2520b.parquet ",
            b"if-none-match: *",
            id="az",
        ),
    ],
)


@each_cloud
async def test_an_object_is_created_only_if_there_is_none(
    url: str, key: Secret, path: bytes, header: bytes
) -> None:
    with answering(status("201 Created")) as server:
        created = await Bucket(url, endpoint=server.endpoint, secret_key=key).create(
            "date=1/a%20b.parquet", b"content"
        )

    [request] = server.requests
    assert created
    assert request.startswith(path)
    assert header in request.lower().split(b"\r\n")


@each_cloud
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(status("412 Precondition Failed"), id="412"),
        pytest.param(status("409 Conflict", "<Code>BlobAlreadyExists</Code>"), id="BlobAlreadyExists"),
    ],
)
async def test_an_object_that_is_there_is_no_error(
    url: str, key: Secret, path: bytes, header: bytes, answer: bytes
) -> None:
    with answering(answer) as server:
        created = await Bucket(url, endpoint=server.endpoint, secret_key=key).create("a", b"content")

    assert not created


@each_cloud
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("401 Unauthorized", SinkMisconfigured),
        ("403 Forbidden", SinkMisconfigured),
        ("404 Not Found", SinkMisconfigured),
        ("409 Conflict", SinkUnavailable),
        ("503 Service Unavailable", SinkUnavailable),
    ],
)
async def test_an_answer_decides_who_must_act(
    url: str, key: Secret, path: bytes, header: bytes, answer: str, kind: type[SinkError]
) -> None:
    with answering(status(answer)) as server, pytest.raises(kind):
        await Bucket(url, endpoint=server.endpoint, secret_key=key).create("a", b"content")


@pytest.mark.parametrize(
    ("url", "key"),
    [
        pytest.param("gs://bucket", "not JSON", id="gs"),
        pytest.param("az://account/container", "not base64", id="az"),
    ],
)
def test_a_key_of_the_wrong_form_is_told_without_repeating_it(url: str, key: str) -> None:
    with pytest.raises(SinkMisconfigured) as raised:
        Bucket(url, secret_key=Secret(key))

    assert key not in f"{raised.value} {raised.value.answer}"
