"""The page of a refused event says what of its body is missing, and why."""

import json
from pathlib import Path

import pytest

from gateway.diagnostics.shapes import MAX_BODY_BYTES
from tests.inspector.keeping import RecordedDoor
from tests.inspector.visitor import BROWSER, visitor

CUT, MASKED = "The beginning of", "Keys are masked"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"userId": "u1"}, set(), id="whole"),
        pytest.param({"userId": "ü" * 9000}, {CUT}, id="many octets"),
        pytest.param({"userId": "ü" * 5000}, set(), id="fewer characters than octets"),
        pytest.param({"userId": "u1", "writeKey": "a-long-write-key"}, {MASKED}, id="masked"),
        pytest.param({"token": "a" * 99, "userId": "u" * MAX_BODY_BYTES}, {CUT, MASKED}, id="both"),
    ],
)
def test_a_body_is_said_to_be_cut_or_masked_where_it_is(tmp_path: Path, body: object, said: set[str]) -> None:
    door = RecordedDoor(tmp_path / "data/journal")
    door.request("POST", "/v1/track", json.dumps(body, ensure_ascii=False).encode(), {"X-Write-Key": "dev"})
    door.write()

    page = visitor(tmp_path).get("/refused/1", headers=BROWSER).text

    assert {words for words in (CUT, MASKED) if words in page} == said
