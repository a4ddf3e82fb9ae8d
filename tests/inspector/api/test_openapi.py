"""`/openapi.json` of the inspector: valid, and of every route."""

from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from gateway.inspector.api.asking import FILTERS
from gateway.inspector.api.routes import routes
from tests.cli.deliveries import Stopped
from tests.gateway import DEFAULTS
from tests.inspector.inspecting import inspection
from tests.inspector.visitor import visitor


def read(folder: Path) -> Any:
    answer = visitor(folder).get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def test_it_is_valid(tmp_path: Path) -> None:
    description = read(tmp_path)

    validate(description)


def test_it_has_every_route_and_no_other(tmp_path: Path) -> None:
    described = {
        (path, method.upper()) for path, methods in read(tmp_path)["paths"].items() for method in methods
    }

    assert described == {
        (route.path_format, method) for route in routes(inspection(tmp_path)) for method in route.operations
    }


def test_it_says_exactly_what_an_order_may_hold(tmp_path: Path) -> None:
    schema = read(tmp_path)["components"]["schemas"]["DeadChoice"]

    assert schema["additionalProperties"] is False
    assert {"type": "null"} in schema["properties"]["code"]["anyOf"]


def test_its_questions_have_the_filters_of_the_pages(tmp_path: Path) -> None:
    found = read(tmp_path)["paths"]["/api/events"]["get"]["parameters"]

    assert [each["name"] for each in found] == [
        *("source", "type", "event", "user", "message_id", "text"),
        *("verdict", "code", "since", "until", "limit", "cursor"),
    ]


@pytest.mark.parametrize("path", ["/api/refused", "/api/dead", "/api/replays", "/api/events/stream"])
def test_a_list_refuses_the_filters_that_it_does_not_describe(tmp_path: Path, path: str) -> None:
    Stopped(tmp_path)
    client = visitor(tmp_path, text=DEFAULTS)
    described = {each["name"] for each in read(tmp_path)["paths"][path]["get"]["parameters"]}
    values = {"limit": "1", "cursor": "1", "verdict": "refused", "since": "1h", "until": "1h"}

    answers = {
        name: client.get(path, params={name: values.get(name, "x")})
        for name in FILTERS
        if path != "/api/events/stream" or name not in described  # which would not end
    }

    refused = {name for name, answer in answers.items() if answer.status_code == 400}
    assert refused
    assert refused == set(FILTERS) - described
    assert {answer.status_code for name, answer in answers.items() if name in described} <= {200}


@pytest.mark.parametrize(
    "address", ["/events?verdict=refused&user=u1", "/refused?type=track", "/dead?verdict=x"]
)
def test_a_page_refuses_the_filters_that_its_list_does_not_know(tmp_path: Path, address: str) -> None:
    Stopped(tmp_path)

    assert visitor(tmp_path, text=DEFAULTS).get(address).status_code == 400
