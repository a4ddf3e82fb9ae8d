"""What answers mean, in each form that a mapping can describe."""

import json
from typing import Any

import pytest

from gateway.destinations.answers import Answers, Verdict


def judge(table: dict[str, Any], status: int, body: Any) -> Verdict:
    mistakes: list[str] = []
    answers = Answers(table, ("answers",), lambda path, text: mistakes.append(text))
    assert mistakes == []
    return answers.judge(status, json.dumps(body).encode())


def refused(form: dict[str, Any], body: Any, status: int = 200) -> Verdict:
    return judge({"refused": form}, status, body)


BRAZE = {"errors": "errors", "index": "index", "array": "input_array", "message": "type"}
MIXPANEL = {"errors": "failed_records", "index": "index", "message": "message", "rest": "stored"}
KLAVIYO = {"errors": "errors", "index": "source.pointer", "matches": r"/data/(\d+)", "message": "detail"}
PINTEREST = {"positional": "events", "status": "status", "ok": ["processed"], "message": "error_message"}
AMPLITUDE = {"indexes": ["silenced_events", "events_with_invalid_fields"]}


def test_an_error_can_name_the_array_and_the_index() -> None:
    body = {"errors": [{"type": "no name", "input_array": "events", "index": 2}]}

    assert refused(BRAZE, body, 201) == Verdict("refused", {("events", 2): "no name"}, stored=True)


def test_the_others_can_be_stored_in_spite_of_the_status() -> None:
    body = {"failed_records": [{"index": 0, "message": "too old"}]}

    assert refused(MIXPANEL, body, 400) == Verdict("refused", {("", 0): "too old"}, stored=True)


def test_an_index_can_be_part_of_a_text() -> None:
    body = {"errors": [{"detail": "bad", "source": {"pointer": "/data/13/attributes"}}]}

    assert refused(KLAVIYO, body, 400) == Verdict("refused", {("", 13): "bad"}, stored=False)


def test_an_error_that_names_nothing_refuses_the_whole_request() -> None:
    assert refused(KLAVIYO, {"errors": [{"detail": "bad"}]}, 400) == Verdict("refused")


def test_results_can_stand_at_the_places_of_the_items() -> None:
    body = {"events": [{"status": "processed"}, {"status": "failed", "error_message": "no"}]}

    assert refused(PINTEREST, body, 422) == Verdict("refused", {("", 1): "no"}, stored=False)


def test_indexes_can_be_lists_or_lists_by_field() -> None:
    body = {"silenced_events": [4], "events_with_invalid_fields": {"time": [0, 4]}}

    assert refused(AMPLITUDE, body, 400).culprits == {
        ("", 4): "silenced_events",
        ("", 0): "events_with_invalid_fields: time",
    }


@pytest.mark.parametrize("form", [BRAZE, MIXPANEL, KLAVIYO, PINTEREST, AMPLITUDE])
@pytest.mark.parametrize("body", [None, [], {}, "x", {"errors": 5}, {"errors": []}])
def test_an_answer_of_another_form_names_nobody(form: dict[str, Any], body: Any) -> None:
    assert refused(form, body) == Verdict("unknown")


def test_where_success_is_in_the_body_other_bodies_are_refusals() -> None:
    table = {"ok": [{"body": "code", "in": [0]}], "retry": [{"body": "code", "in": [40100]}]}

    assert judge(table, 200, {"code": 0}).kind == "ok"
    assert judge(table, 200, {"code": 40100}).kind == "retry"
    assert judge(table, 200, {"code": 40002}).kind == "refused"
    assert judge(table, 500, {}).kind == "unknown"


def test_a_body_can_count_for_some_statuses_alone() -> None:
    table = {"credentials": [{"body": "code", "in": [1], "status": ["4xx"]}]}

    assert judge(table, 400, {"code": 1}).kind == "credentials"
    assert judge(table, 500, {"code": 1}).kind == "unknown"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"okay": []}, "unknown; expected ok, retry"),
        ({"ok": 200}, "expected a list"),
        ({"ok": ["2x"]}, "expected a status"),
        ({"ok": [{"body": "code"}]}, "expected a status"),
        ({"refused": {}}, 'expected "batch", or a table with one of errors'),
        ({"refused": {"errors": "a", "rest": "lost"}}, 'expected "batch"'),
        ({"refused": {"errors": "a", "matches": "("}}, "matches: not a regular expression"),
        ({"refused": {"errors": "a", "matches": "\\d+"}}, "matches: expected a group"),
        ({"refused": {"positional": "a", "ok": 200}}, "ok: expected a list"),
        ({"refused": {"indexes": "bad"}}, "indexes: expected a list"),
        ({"retry": [{"body": "a", "in": [1], "status": 429}]}, "expected a status"),
    ],
)
def test_a_mistake_in_the_table_is_reported(table: dict[str, Any], said: str) -> None:
    mistakes: list[str] = []

    Answers(table, ("answers",), lambda path, text: mistakes.append(text))

    assert [mistake.startswith(said) for mistake in mistakes] == [True]


@pytest.mark.parametrize(
    "index",
    ["9" * 5000, "x", "\N{SUPERSCRIPT TWO}", True, [1], None],
    ids=["huge", "a letter", "no digit", "true", "a list", "null"],
)
def test_an_index_that_is_no_number_names_nothing(index: Any) -> None:
    found = refused({"errors": "errors", "index": "i", "matches": r"(?:no)?(.*)"}, {"errors": [{"i": index}]})

    assert found.kind == "refused"
    assert found.culprits == {}
