"""`/openapi.json` of the inspector: valid, and of every route."""

from pathlib import Path
from typing import Any

from openapi_spec_validator import validate

from gateway.inspector.api.routes import routes
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
