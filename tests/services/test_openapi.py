"""The description of the routes: valid, whole, and nothing but them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from starlette.requests import Request

from gateway.config.file import load
from gateway.config.secret import Secret
from gateway.config.units import Rate
from gateway.dialects import DIALECTS
from gateway.errors import JournalUnavailable
from gateway.home import Home
from gateway.intake.body import Budget
from gateway.journal.writer import Writer
from gateway.message import ADDED
from gateway.processes.intake import Records, service_routes
from gateway.services.app import DescribedRoute
from gateway.sources import Source, Sources
from tests.build import Door, open_partition, to_json, track
from tests.fakes import MemoryJournal

pytestmark = pytest.mark.anyio


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[list[DescribedRoute]]:
    """Those of a gateway that has them all."""
    config = load(None, tmp_path, {})
    sources = Sources([Source("shop", ("dev",), api_tokens=(Secret("secret"),))])
    writer = Writer(open_partition(tmp_path / "journal/0"))
    records = Records(Home(tmp_path / "journal"))
    yield service_routes(config, sources, records, writer, Budget(), writer.probe)
    await writer.close()


async def read(services: list[DescribedRoute]) -> Any:
    [service] = [service for service in services if service.path == "/openapi.json"]
    response = await service.endpoint(Request({"type": "http"}))
    return json.loads(response.body)


async def test_it_is_valid(services: list[DescribedRoute]) -> None:
    description = await read(services)

    validate(description)

    assert description["openapi"].startswith("3.1")


async def test_it_has_every_route_and_no_other(services: list[DescribedRoute]) -> None:
    events = {
        (path, method)
        for dialect in DIALECTS.values()
        for path in dialect.PATHS
        for method in dialect.METHODS
    }
    others = {(service.path_format, method) for service in services for method in service.methods or ()}
    heads = {(service.path_format, "HEAD") for service in services}  # which Starlette adds to each GET

    description = await read(services)

    described = {
        (path, method.upper()) for path, methods in description["paths"].items() for method in methods
    }
    assert described == events | (others - heads)


async def test_it_tells_nothing_of_the_inside(services: list[DescribedRoute]) -> None:
    description = await read(services)

    assert description["components"]["schemas"]["Message"]["properties"].keys().isdisjoint(ADDED)
    assert "careful" not in json.dumps(description)
    for name in description["components"]["schemas"]:
        assert f'#/components/schemas/{name}"' in json.dumps(description)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"batch": [track()], "messageId": "m"}, id="a batch"),
        pytest.param([track()], id="a bare array"),
        pytest.param(track(), id="one event"),
        pytest.param(track(loyalty={"level": 3}), id="a field of its own"),
        pytest.param(track(userId=7, timestamp=1790000000000, anonymousId=None), id="numbers and null"),
        pytest.param(track(properties=[], context=None), id="PHP's empty object"),
    ],
)
async def test_what_is_accepted_is_in_it(services: list[DescribedRoute], body: Any) -> None:
    description = await read(services)
    taken = description["paths"]["/v1/batch"]["post"]["requestBody"]["content"]["application/json"]

    answer = Door().post("/v1/batch", body)

    assert answer.status == 200
    assert fits(taken["schema"], body, description)


HEADERS = {"X-Strict-Mode": "1"}
EVENT = track(event_name="Ordered", user={"id": "u1"})
FULL = MemoryJournal(JournalUnavailable())
LIMITED = Source("default", ("dev",), rate=Rate(1 / 86400))
SENT = {
    "taken": (Door(), EVENT),
    "not taken now": (Door(journal=FULL), EVENT),
    "over its rate": (Door(LIMITED), EVENT),
    "too large": (Door(), {**EVENT, "properties": {"long": "x" * 600_000}}),
    "an empty batch": (Door(), {"batch": []}),
    "no event": (Door(), [1]),
    "half of a batch": (Door(), {"batch": [EVENT, 1]}),
}


@pytest.mark.parametrize(("door", "body"), SENT.values(), ids=SENT.keys())
async def test_every_answer_to_events_is_in_it(services: list[DescribedRoute], door: Door, body: Any) -> None:
    description = await read(services)

    for dialect in DIALECTS.values():
        for path in dialect.PATHS:
            for method in dialect.METHODS:
                target = f"{path}?token=dev&writeKey=dev&event=Ordered&userId=u1"
                answer = door.request(method, target, to_json(body) if method == "POST" else b"", HEADERS)

                told = description["paths"][path][method.lower()]["responses"][str(answer.status)]
                [(kind, content)] = told["content"].items()
                assert answer.headers["content-type"] == kind
                assert "schema" not in content or fits(content["schema"], answer.json, description)
                headers = {name.lower(): header for name, header in told.get("headers", {}).items()}
                assert {
                    name for name, header in headers.items() if header["required"]
                } <= answer.headers.keys()
                assert {name for name in answer.headers if name.startswith("x-")} <= headers.keys()


def fits(schema: Any, value: Any, description: Any) -> bool:
    validator = OAS31Validator({**schema, "components": description["components"]})
    return not list(validator.iter_errors(value))
