"""A real server against its own description: every answer is as /openapi.json says."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from requests import Session
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from tests.build import to_json
from tests.gateway import Gateway

CONFIG = """
[server]
port = 0
[inspector]
port = 0
[sources.default]
write_keys = ["dev"]
site_id = "29"
api_tokens = ["secret"]
[sinks.nowhere]
kind = "null"
"""

# These checks compare answers with the description. Others require that every input outside the description
# is refused, but most clients must get 200 whatever they send.
load_all_checks()
PROMISES: list[Any] = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    )
]


@schemathesis.serializer("application/x-ndjson")
def _as_lines(_: object, value: object) -> bytes:
    return value.encode() if isinstance(value, str) else to_json(value)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("gateway"), CONFIG) as found:
        yield found


def credentials(path: str) -> tuple[dict[str, str], dict[str, str]]:
    """The parameters and headers by which a route authenticates its client."""
    token = "secret" if "/engage/" in path or "/v2/" in path else "dev"
    parameters = {"writeKey": "dev", "tc_s": "29", "token": token, "site": "29", "user_id": "u1"}
    return parameters, {"Authorization": f"Bearer {token}", "X-Write-Key": "dev"}


def test_every_answer_is_in_the_description(running: Gateway, subtests: pytest.Subtests) -> None:
    url = f"http://127.0.0.1:{running.port}/openapi.json"
    operations = schemathesis.openapi.from_url(url).get_all_operations()
    session = Session()

    for found in operations:
        assert isinstance(found, Ok)
        operation = found.ok()
        strategies = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]

        @settings(max_examples=6, derandomize=True, database=None)
        @given(st.one_of(strategies), st.booleans())
        def ask(case: Case[Any], known: bool) -> None:
            headers: dict[str, str] = {}
            if known:
                parameters, headers = credentials(case.path)
                case.query = {**case.query, **parameters}
                case.path_parameters = dict.fromkeys(case.path_parameters, "29")
            case.call_and_validate(session=session, headers=headers, checks=PROMISES)

        with subtests.test(operation.label):
            ask()


def examples(operation: dict[str, Any]) -> Iterator[tuple[dict[str, str], str, Any]]:
    """Return the parameters, media type and body of an example in the description."""
    parameters: dict[str, str] = {}
    for each in operation.get("parameters", ()):
        example = each.get("example", {})
        parameters |= example if isinstance(example, dict) else {each["name"]: example}
    if "requestBody" not in operation and parameters:
        yield parameters, "", None
    for kind, content in operation.get("requestBody", {"content": {}})["content"].items():
        for example in content["examples"].values():
            yield parameters, kind, example["value"]


def test_every_example_is_accepted(running: Gateway, subtests: pytest.Subtests) -> None:
    paths = running.request("GET", "/openapi.json").json["paths"]

    for path, operations in paths.items():
        known, headers = credentials(path)
        for method, operation in operations.items():
            for parameters, kind, value in examples(operation):
                with subtests.test(f"{method} {path}"):
                    target = f"{path.replace('{site}', '29')}?{urlencode(known | parameters)}"
                    body = value.encode() if isinstance(value, str) else to_json(value)
                    answer = running.request(method.upper(), target, body, {**headers, "Content-Type": kind})

                    assert answer.status in {200, 202}
                    assert "x-gateway-error" not in answer.headers
