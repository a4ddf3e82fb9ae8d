"""The http sink: requests, and what becomes of a batch after each answer."""

import gzip
import json
import math
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from gateway.config.secret import Secret, Secrets
from gateway.config.units import Duration
from gateway.errors import SinkError, SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.base import Batch, Sink
from gateway.sinks.http import Http
from tests.build import event_line
from tests.config import texts
from tests.sinks import chaos
from tests.sinks.batches import batch, batch_of, write
from tests.sinks.chaos import Behaviour, Request, Target, script, standing_target
from tests.sinks.receiver import Receiver
from tests.webhooks.signing import STANDARD_SECRET, verified

OTHER_SECRET = "whsec_b3RoZXIgc2VjcmV0IG9mIDI0IGJ5dGVzIQ=="


def example(folder: Path) -> Sink:
    """Return a sink for the contract tests."""
    return to(standing_target())


class Batches(Receiver):
    id_header = "webhook-id"
    keys: ClassVar[dict[str, Any]] = {}

    def make(self, password: str) -> Sink:
        return to(self.target, headers={"Authorization": Secret(password)}, **self.keys)


class Lines(Batches):
    keys: ClassVar[dict[str, Any]] = {"body": "lines"}

    def events(self, body: bytes) -> list[dict[str, Any]]:
        return [json.loads(line) for line in body.split(b"\n")[:-1]]


class Events(Batches):
    keys: ClassVar[dict[str, Any]] = {"body": "event", "in_flight": 4}

    def events(self, body: bytes) -> list[dict[str, Any]]:
        return [json.loads(body)]


EXAMPLES = {"batch": Batches, "lines": Lines, "event": Events}


def to(target: Target, **keys: Any) -> Http:
    return Http(url=Secret(target.url + "/hook"), allow_private=True, **keys)


def sent(*batches: Batch, **keys: Any) -> list[Request]:
    """Return the requests for the batches."""
    with Target() as target:
        write(to(target, **keys), b"", *batches)
    return target.requests


def fail(behaviour: Behaviour, sending: Batch | None = None, **keys: Any) -> SinkError:
    with Target(script(then=behaviour)) as target, pytest.raises(SinkError) as raised:
        write(to(target, **keys), b"", sending or batch(0, 3))
    return raised.value


def test_a_batch_is_one_request() -> None:
    [request] = sent(batch(0, 3))

    assert (request.method, request.target) == ("POST", "/hook")
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {"batch": [json.loads(line) for line in batch(0, 3).lines]}


def test_events_are_sent_to_the_digit() -> None:
    line = event_line(0, event="é\u2028")[:-1] + b',"extras":{"a":1.50,"b":1E+400,"c":"\\u0000\\ud800"}}'

    [request] = sent(batch_of([line]))

    assert request.body == b'{"batch":[%b]}' % line


def test_a_batch_can_be_lines() -> None:
    [request] = sent(batch(0, 3), body="lines")

    assert request.headers["content-type"] == "application/x-ndjson"
    assert request.body == batch(0, 3).data


def test_method_and_headers_are_those_of_the_configuration() -> None:
    [request] = sent(
        batch(0, 1),
        method="PUT",
        headers={"Authorization": Secret("Bearer t"), "content-type": Secret("a/b")},
    )

    assert request.method == "PUT"
    assert (request.headers["authorization"], request.headers["content-type"]) == ("Bearer t", "a/b")


def test_a_batch_has_its_id_and_the_time() -> None:
    first, second = sent(batch(0, 3), batch(3, 5, partition="1"))

    assert first.headers["webhook-id"] == "archive/0/0-3"
    assert second.headers["webhook-id"] == "archive/1/3-5"
    assert first.headers["webhook-timestamp"].isdecimal()
    assert "webhook-signature" not in first.headers


def test_an_id_has_no_dot_and_stays_in_its_header() -> None:
    unusual = msgspec.structs.replace(batch(0, 1), sink='a.b\r\nX: "é"')

    [request] = sent(unusual)

    assert request.headers["webhook-id"] == "a%2Eb%0D%0AX%3A%20%22%C3%A9%22/0/0-1"


def test_a_repeated_batch_has_the_same_id_and_body() -> None:
    first, second = sent(batch(0, 100), batch(0, 100), compress="gzip")

    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert first.body[4:8] == bytes(4), "the time of compression would make it another one"


def test_only_a_replay_says_so() -> None:
    live = batch(0, 1)
    retried = msgspec.structs.replace(live, origin="retry", suffix="-d1")
    replayed = msgspec.structs.replace(live, origin="replay", suffix="-r1")

    requests = sent(live, retried, replayed)

    assert [request.headers.get("x-gateway-replay") for request in requests] == [None, None, "true"]
    assert [request.headers["webhook-id"] for request in requests] == [
        "archive/0/0-1",
        "archive/0/0-1-d1",
        "archive/0/0-1-r1",
    ]


@pytest.mark.parametrize("events", [1, 1000], ids=["small", "large"])
def test_a_body_can_be_compressed(events: int) -> None:
    [request] = sent(batch(0, events), compress="gzip", body="lines")

    assert request.headers["content-encoding"] == "gzip"
    assert gzip.decompress(request.body) == batch(0, events).data


@pytest.mark.parametrize("secret", [STANDARD_SECRET, OTHER_SECRET], ids=["new secret", "old secret"])
@pytest.mark.parametrize("compress", ["", "gzip"])
def test_the_signature_can_be_verified_with_any_of_the_secrets(secret: str, compress: str) -> None:
    secrets = Secrets(map(Secret, (STANDARD_SECRET, OTHER_SECRET)))
    [request] = sent(batch(0, 3), secret=secrets, compress=compress)

    inflated = gzip.decompress(request.body) if compress else request.body
    assert verified("standard", secret, request.headers, inflated, tolerance=math.inf)
    assert not verified("standard", secret, request.headers, inflated + b" ", tolerance=math.inf)


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        pytest.param(chaos.answer(500, b"why"), SinkUnavailable, id="500"),
        pytest.param(chaos.answer(401, b"why"), SinkMisconfigured, id="401"),
        pytest.param(chaos.answer(302, b"why", Location="http://127.0.0.1:9"), SinkMisconfigured, id="302"),
        pytest.param(chaos.answer(422, b"why"), SinkRefused, id="422"),
    ],
)
@pytest.mark.parametrize("body", ["batch", "lines", "event"])
def test_an_answer_that_is_no_success_fails_with_the_targets_words(
    behaviour: Behaviour, failure: type[SinkError], body: str
) -> None:
    error = fail(behaviour, body=body)

    assert isinstance(error, failure)
    assert error.answer == "why"


def test_a_refused_batch_names_no_culprit() -> None:
    error = fail(chaos.answer(400))

    assert isinstance(error, SinkRefused)
    assert (error.culprits, error.delivered) == ({}, ())


def test_a_connection_can_be_used_after_a_refusal() -> None:
    def decide(request: Request) -> Behaviour:
        return chaos.answer(400) if b'"m1"' in request.body else chaos.ACCEPT

    with Target(decide) as target, pytest.raises(SinkRefused):
        write(to(target), b"", batch(0, 1), batch(2, 3), batch(1, 2))

    assert target.connections == 1


def test_a_success_whose_body_breaks_off_is_one() -> None:
    with Target(script(chaos.half_a_body())) as target:
        write(to(target), b"", batch(0, 3))

    assert len(target.requests) == 1


def test_an_error_shows_no_secret() -> None:
    secrets = ("whsec_c2VjcmV0IG9mIG1vcmUgdGhhbiAyNCBieXRlcw==", "Bearer s3cret-token", "in-the-url-1")

    def decide(request: Request) -> Behaviour:
        echo = json.dumps([request.target, request.headers, *secrets]).encode()
        return chaos.answer(403, echo)

    with Target(decide) as target:
        sink = Http(
            url=Secret(f"{target.url}/hook?token=in-the-url-1"),
            headers={"Authorization": Secret(secrets[1])},
            secret=Secrets([Secret(secrets[0])]),
            allow_private=True,
        )
        with pytest.raises(SinkMisconfigured) as raised:
            write(sink, b"", batch(0, 1))

    shown = f"{raised.value} {raised.value.answer} {sink!r}"
    assert [text for text in (*secrets, "s3cret-token", "/hook") if text in shown] == []


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ('url = "ftp://x"', "url: expected an address such as"),
        ('url = "https://me:hidden@example.com"', "url: the address must hold no user"),
        ('headers = {"Webhook-Id" = "x"}', "headers: 'Webhook-Id' is set by the gateway"),
        ('headers = {"X Y" = "x"}', "headers: 'X Y': not a header"),
        ('headers = {"X-Y" = "a\\nb"}', "headers: 'X-Y': not a header"),
        ('headers = {"X-Y" = 1}', "headers: expected a text"),
        ('secret = "whsec_?"', "secret: expected base64"),
        ('body = "xml"', "body: expected one of batch, lines, event"),
        ('compress = "zip"', "compress: expected one of gzip; did you mean gzip?"),
        ('timeout = "0s"', "timeout: must be more than 0s"),
        ("in_flight = 2", 'in_flight: only `body = "event"` has'),
    ],
)
def test_a_mistake_in_the_table_is_named(keys: str, mistake: str, tmp_path: Path) -> None:
    url = "" if keys.startswith("url") else 'url = "https://example.com"'
    file = texts.write(tmp_path / "gateway.toml", sinks__hook=f'kind = "http"\n{url}\n{keys}')

    [said] = texts.mistakes(file)

    assert said.startswith(f"[sinks.hook] {mistake}")
    assert "hidden" not in said


def test_secrets_come_from_the_environment_and_are_not_shown(tmp_path: Path) -> None:
    keys = (
        'kind = "http"\nurl = "${URL}"\nheaders = {A = "Bearer ${TOKEN}"}\nsecret = ["${S}"]\ntimeout = "3s"'
    )
    environment = {"URL": "https://example.com/t0ken", "TOKEN": "t0ken", "S": "whsec_dDBrZW4="}

    sink = texts.read(texts.write(tmp_path / "gateway.toml", sinks__hook=keys), environment).sinks["hook"]

    assert sink == Http(
        url=Secret("https://example.com/t0ken"),
        headers={"A": Secret("Bearer t0ken")},
        secret=Secrets([Secret("whsec_dDBrZW4=")]),
        timeout=Duration(3),
    )
    assert "t0ken" not in repr(sink) + repr(msgspec.to_builtins(sink, enc_hook=str))
