"""Names of files: folders that readers understand, and one name for one content."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sinks.base import Batch
from gateway.sinks.rows.envelope import ENVELOPE, Rows
from gateway.sinks.storage import names
from gateway.sinks.storage.names import Folders, escape, file_name
from tests.build import event_line

RECEIVED = "2026-11-26T03:08:58.618Z"


def folder(template: str, **fields: Any) -> str:
    """Return the folder of an event with the given fields."""
    rows = Rows({})
    return Folders(template, rows.columns).find(
        rows.read(event_line(0, receivedAt=RECEIVED, **fields), "0/0")
    )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("date={date}", "date=2026-11-26/"),
        ("date={date}/hour={hour}", "date=2026-11-26/hour=03/"),
        ("source={source}/{type}-{date}", "source=default/track-2026-11-26/"),
        ("what={event}", "what=Order%20Completed/"),
        ("", ""),
    ],
)
def test_the_folder_is_that_of_the_template(template: str, expected: str) -> None:
    assert folder(template, event="Order Completed") == expected


def test_the_date_is_that_of_the_receipt_in_utc() -> None:
    line = event_line(0, receivedAt="2026-11-26T23:30:00.000Z", timestamp="2020-01-01T00:00:00.000Z")

    rows = Rows({})
    found = Folders("{date}/{hour}", rows.columns).find(rows.read(line, "0/0"))

    assert found == "2026-11-26/23/"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("../../etc", "%2E.%2F..%2Fetc", id="the folder above"),
        pytest.param("..", "%2E.", id="only dots"),
        pytest.param(".hidden", "%2Ehidden", id="hidden"),
        pytest.param("a/b\\c", "a%2Fb%5Cc", id="slashes"),
        pytest.param("{date}", "%7Bdate%7D", id="braces"),
        pytest.param("a=b?c#d&e", "a%3Db%3Fc%23d%26e", id="of addresses"),
        pytest.param("é\x00\n", "%C3%A9%00%0A", id="not ASCII"),
        pytest.param("100%", "100%25", id="a percent sign"),
        pytest.param("", "__HIVE_DEFAULT_PARTITION__", id="empty"),
        pytest.param(None, "__HIVE_DEFAULT_PARTITION__", id="none"),
    ],
)
def test_a_value_is_escaped_for_paths(value: str | None, expected: str) -> None:
    assert escape(value) == expected


@given(st.text(st.characters(exclude_categories=[]), min_size=1), st.text(min_size=1))
def test_different_values_have_different_names_that_fit_everywhere(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) == (one == other)
    assert escape(one).isascii()
    assert len(escape(one)) <= 120
    assert not set(escape(one)) & set("/\\ ?#*:")


@pytest.mark.parametrize("end", ["x", "y"])
def test_a_long_value_is_cut_and_still_told_apart(end: str) -> None:
    found = escape("é" * 500 + end)

    assert found.startswith("%C3%A9")
    assert found != escape("é" * 500 + "z")


def made(**fields: Any) -> Batch:
    given: dict[str, Any] = {"sink": "lake", "partition": "0", "first": 5, "end": 8, "epoch": 255, **fields}
    return Batch(positions=range(3), data=b"", **given)


def test_a_file_is_named_after_its_batch() -> None:
    expected = "lake-0-00000000000000000005-00000000000000000008-00000000000000ff.parquet"

    assert file_name(made()) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"sink": "other"},
        {"partition": "1"},
        {"first": 4},
        {"end": 9},
        {"epoch": 256},
        {"suffix": "/2"},
        {"origin": "retry"},
        {"origin": "replay"},
    ],
    ids=str,
)
def test_another_batch_has_another_name(fields: dict[str, Any]) -> None:
    assert file_name(made(**fields)) != file_name(made())


def test_a_replayed_batch_says_so() -> None:
    assert file_name(made(origin="replay")).startswith("replay-lake-0-")


@pytest.mark.parametrize(
    "template",
    [
        "{day}",
        "/date={date}",
        "date={date}/",
        "a//b",
        "../{date}",
        "date={date",
        "a b",
        "é",
        "event={event}",
        "id={date}",
    ],
)
def test_a_template_with_a_mistake_is_refused(template: str) -> None:
    assert len(names.mistakes(template, ENVELOPE)) >= 1


@pytest.mark.parametrize(
    "template",
    ["", "date={date}", "v1/source={source}/type={type}/d={date}/h={hour}/e={event}", "{date}T{hour}"],
)
def test_a_template_without_one_is_accepted(template: str) -> None:
    assert names.mistakes(template, ENVELOPE) == []


def test_columns_that_are_folders_are_found() -> None:
    template = "source={source}/type={type}-x/e={event}"

    assert names.repeated(template) == {"source"}
    assert names.keys(template) == {"source", "type", "e"}
