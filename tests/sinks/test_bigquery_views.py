"""The views of `gateway sinks views` for BigQuery: their text, since BigQuery runs nowhere else."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

import anyio
import pytest

from gateway.errors import SinkMisconfigured
from gateway.sinks.google.views import LEAVES
from tests.journey.needs import program
from tests.sinks.bigquery_example import sink_at
from tests.sinks.bigquery_service import DATASET, PROJECT, Service

PLACE = f"{PROJECT}.{DATASET}"


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


def page(*rows: Sequence[str], **fields: Any) -> dict[str, Any]:
    """Return a page of rows, as BigQuery's API writes it."""
    written = [{"f": [{"v": cell} for cell in row]} for row in rows]
    return {"jobComplete": True, "rows": written, **fields}


def key(path: Sequence[str], kind: str, *, type: str = "track", root: str = "properties") -> list[str]:
    return [type, "Ordered" if type == "track" else "", root, json.dumps(path), kind]


def statements(service: Service, *pages: dict[str, Any]) -> dict[str, str]:
    """Return the statements of the views by their names, for what the queries answer."""
    service.pages = [*pages]
    found = anyio.run(sink_at(service).view_statements, 30)
    start = f"CREATE OR REPLACE VIEW `{PLACE}."
    assert all(statement.startswith(start) for statement in found)
    return dict(statement.removeprefix(start).split("` AS\n", 1) for statement in found)


def test_a_view_has_the_columns_of_the_event_and_of_its_keys(service: Service) -> None:
    keys = page(key(["revenue"], "number"), key(["gift"], "boolean"), key(["plan", "Seat Name"], "string"))

    found = statements(service, keys, page(["Ordered"]))

    assert (
        found["ordered"]
        == f"""SELECT
  `_event`.`id` AS `id`,
  `_event`.`anonymous_id` AS `anonymous_id`,
  `_event`.`user_id` AS `user_id`,
  LOWER(TRIM(REGEXP_REPLACE(REGEXP_REPLACE(`_event`.`event`, '([a-z][0-9]*)([A-Z])', r'\\1_\\2'),\
 '[^A-Za-z0-9]+', '_'), '_')) AS `event`,
  `_event`.`event` AS `event_text`,
  `_event`.`sent_at` AS `sent_at`,
  `_event`.`received_at` AS `received_at`,
  `_event`.`timestamp` AS `timestamp`,
  `_event`.`original_timestamp` AS `original_timestamp`,
  `_event`.`loaded_at` AS `loaded_at`,
  `_event`.`loaded_at` AS `uuid_ts`,
  IF(STARTS_WITH(JSON_QUERY(`_event`.`properties`, '$."gift"'), '"'), NULL,\
 SAFE_CAST(JSON_VALUE(`_event`.`properties`, '$."gift"') AS BOOL)) AS `gift`,
  COALESCE(JSON_VALUE(`_event`.`properties`, '$."plan"."Seat Name"'),\
 JSON_QUERY(`_event`.`properties`, '$."plan"."Seat Name"')) AS `plan_seat_name`,
  IF(STARTS_WITH(JSON_QUERY(`_event`.`properties`, '$."revenue"'), '"'), NULL,\
 SAFE_CAST(JSON_VALUE(`_event`.`properties`, '$."revenue"') AS FLOAT64)) AS `revenue`
FROM `{PLACE}.events` AS `_event`
WHERE `_event`.`type` = 'track' AND `_event`.`event` IN ('Ordered')"""
    )


def test_users_have_the_latest_value_of_each_trait(service: Service) -> None:
    found = statements(service, page(key(["plan"], "string", type="identify", root="traits")), page())

    value = (
        "COALESCE(JSON_VALUE(`_event`.`traits`, '$.\"plan\"'), JSON_QUERY(`_event`.`traits`, '$.\"plan\"'))"
    )
    order = "`_event`.`received_at` DESC, `_event`.`position` DESC"
    latest = f"ARRAY_AGG({value} IGNORE NULLS ORDER BY {order} LIMIT 1)[SAFE_OFFSET(0)] AS `plan`"
    assert latest in found["users"]
    assert found["users"].endswith("AND `_event`.`user_id` IS NOT NULL GROUP BY `_event`.`user_id`")


def test_there_is_a_view_of_each_type_also_without_events(service: Service) -> None:
    found = statements(service, page(), page())

    assert set(found) == {"tracks", "identifies", "users", "pages", "screens", "groups", "aliases"}


@pytest.mark.parametrize(
    ("name", "literal"),
    [
        pytest.param("It's", r"'It\'s'", id="apostrophe"),
        pytest.param("back\\slash'", r"'back\\slash\''", id="backslash"),
        pytest.param("line\r\nend", r"'line\r\nend'", id="line end"),
        pytest.param("\0", r"'\x00'", id="NUL"),
    ],
)
def test_no_name_breaks_out_of_its_quotes(service: Service, name: str, literal: str) -> None:
    found = statements(service, page(), page([name]))

    assert any(query.endswith(f"`_event`.`event` IN ({literal})") for query in found.values())


@pytest.mark.parametrize("name", ['quotation"mark', "back\\slash"])
def test_a_key_that_no_path_can_name_has_no_column(service: Service, name: str) -> None:
    found = statements(service, page(key(["plan", name], "string")), page(["Ordered"]))

    assert "JSON" not in found["ordered"]


def test_a_column_that_would_begin_with_a_digit_begins_with_an_underscore(service: Service) -> None:
    found = statements(service, page(key(["2fa"], "string")), page(["Ordered"]))

    assert found["ordered"].count(" AS `_2fa`\n") == 1


def test_a_query_that_takes_its_time_and_has_several_pages_is_read_to_its_end(service: Service) -> None:
    pending = {"jobComplete": False}
    first = page(key(["a"], "string"), pageToken="p2")

    found = statements(service, pending, first, page(key(["b"], "string")), page(["Ordered"]))

    assert [f" AS `{name}`" in found["ordered"] for name in "abc"] == [True, True, False]


def test_the_query_reads_the_events_of_the_given_days(service: Service) -> None:
    statements(service, page(), page())

    recent = f"FROM `{PLACE}.events` WHERE received_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 30 DAY)"
    assert [recent in query for query in service.queries] == [True, True]


def test_the_function_in_the_query_finds_the_paths_of_values_and_their_kinds() -> None:
    nested = {"d": {"e": {"f": {"g": {"h": 1}}}}}
    given = {"a": None, "b": [1], 'c"\\': True, "é\0": 1e3, "": "x", "{}": {}, **nested}
    call = f"JSON.stringify(new Function('object', {json.dumps(LEAVES)})({json.dumps(json.dumps(given))}))"

    found = json.loads(subprocess.check_output([program("node"), "-p", call]))

    assert [(json.loads(leaf["path"]), leaf["kind"]) for leaf in found] == [
        (["b"], "object"),
        (['c"\\'], "boolean"),
        (["é\0"], "number"),
        ([""], "string"),
        (["d", "e", "f", "g", "h"], "number"),
    ]


def test_an_answer_of_another_service_is_told(service: Service) -> None:
    with pytest.raises(SinkMisconfigured, match="does not answer as BigQuery does"):
        statements(service, {"jobComplete": 1})
