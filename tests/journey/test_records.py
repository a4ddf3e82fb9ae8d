"""
People and products, through the public APIs and commands.

To see the kill tests go red, let `Table.merge` in records/table.py commit the records of its previous call:
the answer then covers records that are only in memory.
"""

import gzip
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.records.table import FileTable
from tests.build import to_json, track
from tests.gateway import Answer, Gateway, free_ports, until
from tests.journey import faults
from tests.journey.load import Import, Importer, Load

CONFIG = """
[server]
port = 0
[inspector]
port = 0
[sources.shop]
write_keys = ["dev"]
site_id = "29"
api_tokens = ["secret"]
[sources.other]
write_keys = ["other"]
site_id = "30"
api_tokens = ["secret30"]
[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
"""
# The system calls of a commit, and how often one or two imports make them.
MOMENTS = (("pwrite64", 30), ("fdatasync", 3))
NDJSON = {"Content-Type": "application/x-ndjson", "Authorization": "Bearer secret"}


@pytest.fixture
def running(gateway: Callable[..., Gateway]) -> Gateway:
    return gateway(CONFIG)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway for all tests that leave no person and no event behind."""
    with Gateway(tmp_path_factory.mktemp("shared"), CONFIG) as running:
        yield running


def user(
    running: Gateway, method: str, body: Any = None, query: str = "site=29&user_id=7&token=secret"
) -> Answer:
    return running.request(method, f"/engage/user/?{query}", None if body is None else to_json(body))


def bulk(running: Gateway, *products: Any, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = b"\n".join(map(to_json, products))
    given = {name: value for name, value in {**NDJSON, **named}.items() if value}
    return running.request("POST", "/v2/29/products/bulk", body, given)


def test_a_person_is_stored_merged_returned_and_removed(running: Gateway) -> None:
    missing = user(running, "GET")
    put = user(running, "PUT", {"person": {"id": "7", "firstname": "Ann", "custom": {"a": 1}}})
    more = user(running, "PUT", {"person": {"email": "a@b.example", "custom": {"b": 2}}})
    found = user(running, "GET")
    removed = user(running, "DELETE")
    gone = user(running, "GET")

    person = {"id": "7", "firstname": "Ann", "custom": {"a": 1, "b": 2}, "email": "a@b.example"}
    assert (missing.status, missing.json) == (404, {"message": "Person not found"})
    assert (put.status, put.json, more.status) == (200, {"success": True}, 200)
    assert (found.status, found.json) == (200, {"person": person})
    assert (removed.json, gone.status) == ({"success": True}, 404)
    running.drained()
    first, second = running.events()
    assert (first["type"], first["userId"], first["source"]["siteId"]) == ("identify", "7", "29")
    assert first["traits"] == {"firstName": "Ann", "custom": {"a": 1}}
    assert second["traits"] == {"email": "a@b.example", "custom": {"b": 2}}
    assert "secret" not in json.dumps([first, second])


def test_a_person_in_many_lines_is_one_event(running: Gateway) -> None:
    person = {"prefs": {"lang": "fr", "list": [1, 2]}}
    body = json.dumps({"person": person}, indent=2).encode()

    with ThreadPoolExecutor(4) as clients:  # so that events share a commit
        answers = list(clients.map(lambda _: user(running, "PUT", body), range(40)))

    running.drained()
    assert {answer.status for answer in answers} == {200}
    assert [event["traits"] for event in running.events()] == [person] * 40


def test_a_person_that_nests_too_deep_is_refused(running: Gateway) -> None:
    answer = user(running, "PUT", b'{"person": {"a": %b1%b}}' % (b"[" * 600, b"]" * 600))

    assert (answer.status, user(running, "GET").status) == (400, 404)
    assert "nested too deep" in answer.json["message"]


@pytest.mark.parametrize("prefix", ["/api", "/v1.0"])
def test_people_are_found_by_all_paths(shared: Gateway, prefix: str) -> None:
    answer = shared.request("GET", f"{prefix}/engage/user?site=29&user_id=7&token=secret")

    assert answer.status == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("site=29&user_id=7&token=dev", 403, id="the write key"),
        pytest.param("site=29&user_id=7&token=secret30", 403, id="the token of another site"),
        pytest.param("site=30&user_id=7&token=secret", 403, id="another site"),
        pytest.param("site=29&user_id=7", 400, id="no token"),
        pytest.param("site=29&token=secret", 400, id="nobody"),
    ],
)
def test_reading_a_person_requires_the_token(shared: Gateway, query: str, status: int) -> None:
    answers = [user(shared, method, {"person": {}}, query) for method in ("GET", "PUT", "DELETE")]

    assert [answer.status for answer in answers] == [status] * 3
    assert all("secret" not in answer.body.decode() for answer in answers)


@pytest.mark.parametrize("body", [b"", b"{", {}, {"person": 1}, [], b'{"person": {"a": "\xff"}}'], ids=repr)
def test_an_invalid_person_is_refused(shared: Gateway, body: Any) -> None:
    answer = user(shared, "PUT", body)

    assert (answer.status, "person" in answer.json["message"]) == (400, True)
    assert user(shared, "GET").status == 404


def test_imported_products_enrich_later_events(running: Gateway) -> None:
    answer = bulk(running, {"id": "P1", "name": "Shirt", "category_1": "Tops"}, b"", {"id": "P2"})

    running.post("/v1/track", track(properties={"products": [{"product_id": "P1"}]}))
    running.drained()
    [event] = running.events()
    assert (answer.status, answer.json) == (
        202,
        {"data": {"accepted_object_count": 2, "rejected_object_count": 0}},
    )
    assert event["properties"] == {"products": [{"product_id": "P1", "name": "Shirt", "category": "Tops"}]}


def test_invalid_lines_affect_no_others(shared: Gateway) -> None:
    answer = bulk(shared, {"id": "P1", "name": "Shirt"}, b"{", {"id": "P2", "price": "x"}, {"id": "P3"})

    assert answer.status == 400
    assert answer.json["data"] == {"accepted_object_count": 2, "rejected_object_count": 2}
    assert [(error["code"], error["meta"]["line_numbers"]) for error in answer.json["errors"]] == [
        ("PARSE_ERROR", [2]),
        ("INVALID_PROPERTY_TYPE", [3]),
    ]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        pytest.param({"Authorization": ""}, 401, "MISSING_AUTHORIZATION_HEADER", id="no token"),
        pytest.param({"Authorization": "Basic c2VjcmV0"}, 401, "UNKNOWN_TOKEN_TYPE", id="Basic"),
        pytest.param({"Authorization": "Bearer"}, 401, "INVALID_TOKEN_TYPE", id="nothing after Bearer"),
        pytest.param({"Authorization": "Bearer dev"}, 401, "UNKNOWN_TOKEN", id="the write key"),
        pytest.param({"Authorization": "Bearer secret30"}, 403, "SITE_ACCESS_FORBIDDEN", id="another site"),
        pytest.param({"Content_Type": "application/json"}, 415, "UNSUPPORTED_HEADER", id="JSON"),
    ],
)
def test_importing_products_requires_the_token(
    shared: Gateway, headers: dict[str, str], status: int, code: str
) -> None:
    answer = bulk(shared, {"id": "P1"}, **headers)

    [error] = answer.json["errors"]
    assert (answer.status, error.get("code") or error["title"]) == (status, code)


def test_a_compressed_body_is_inflated(shared: Gateway) -> None:
    body = gzip.compress(b'{"id": "P1"}')

    answer = shared.request("POST", "/v2/29/products/bulk", body, {**NDJSON, "Content-Encoding": "gzip"})

    assert answer.status == 202


def test_no_kill_loses_products_answered_with_202(gateway: Callable[..., Gateway]) -> None:
    running = gateway(CONFIG)
    accepted = []

    for number in range(5):
        products = [{"id": f"{number}-{each}", "name": f"N{number}-{each}"} for each in range(200)]
        if bulk(running, *products).status == 202:
            accepted += products
        faults.kill(running, "intake-0")

    assert len(accepted) == 1000
    running.post(
        "/v1/batch",
        {"batch": [track(properties={"items": [{"product": {"id": each["id"]}}]}) for each in accepted]},
    )
    running.drained()
    assert [event["properties"]["items"][0]["product"] for event in running.events()] == accepted


def test_no_kill_during_an_import_loses_an_acknowledged_product(
    gateway: Callable[..., Gateway], rounds: int | None, chance: random.Random
) -> None:
    running = gateway(CONFIG.replace("port = 0", "port = {}").format(*free_ports()))

    # Events serve as a clock that is independent of the progress of an import.
    with Load(running.port, chance) as load, Importer(running.port, chance, "29", "secret") as importer:
        for _ in range(rounds or 6):
            load.advance(chance.randrange(1, 300))
            faults.kill(running, chance.choice(("intake-0", "supervisor")))

    catalogue = FileTable(running.folder / "data/journal/products.db")
    assert importer.unexpected == []
    assert importer.cut_off, "no import was going on"
    assert [each for each in importer.accepted if kept(catalogue, each) != each.products] == []
    assert [each for each in importer.cut_off if kept(catalogue, each) not in ([], each.products)] == []


def test_an_interrupted_import_can_be_repeated(
    gateway: Callable[..., Gateway], rounds: int | None, chance: random.Random, tmp_path: Path
) -> None:
    running = gateway(CONFIG)
    with Importer(running.port, chance, "29", "secret") as importer:
        for _ in range(rounds or 5):
            call, last = chance.choice(MOMENTS)
            pid = running.children()["intake-0"]
            faults.kill_at(pid, call, chance.randint(1, last), tmp_path / "strace")
            faults.await_successor(running, "intake-0", pid)

    for each in importer.cut_off:
        repeat(running, each)

    catalogue = FileTable(running.folder / "data/journal/products.db")
    assert importer.cut_off, "no import was going on"
    everything = importer.accepted + importer.cut_off
    assert [each for each in everything if kept(catalogue, each) != each.products] == []


def repeat(running: Gateway, sent: Import) -> None:
    """Send an import, and retry until the gateway accepts it."""
    until(lambda: bulk(running, *sent.products).status == 202)


def kept(catalogue: FileTable, sent: Import) -> list[Any]:
    """Return the products of an import that are stored."""
    found = (catalogue.find("29", product["id"]) for product in sent.products)
    return [json.loads(each) for each in found if each is not None]


def import_products(folder: Path, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "products", "import", str(file), "--config", "gateway.toml"]
    return subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, check=False)


def test_products_are_imported_while_the_gateway_runs(running: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "products.ndjson"
    file.write_text('{"id": "P1", "name": "Shirt"}\n{"id": "P2", "price": "x"}\n\n{"id": "P3"}\n')

    done = import_products(running.folder, file, "--site", "29")

    running.post("/v1/track", track(properties={"items": [{"product": {"id": "P1"}}]}))
    running.drained()
    [event] = running.events()
    assert done.returncode == 1
    assert (
        done.stdout == f"{file}:2: INVALID_PROPERTY_TYPE: The property price has a value of the wrong type\n"
    )
    assert "2 merged, 1 refused." in done.stderr
    assert event["properties"]["items"] == [{"product": {"id": "P1", "name": "Shirt"}}]


@pytest.mark.parametrize("site", ["31", None])
def test_an_import_requires_the_site_of_the_catalogue(
    shared: Gateway, tmp_path: Path, site: str | None
) -> None:
    file = tmp_path / "products.ndjson"
    file.write_text('{"id": "P1"}\n')
    option = ["--site", site] if site else []

    done = import_products(shared.folder, file, *option)

    assert (done.returncode, done.stderr) == (2, "gateway: --site: expected one of 29, 30\n")
