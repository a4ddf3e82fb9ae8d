"""Validation of products."""

import json
from typing import Any

import pytest

from gateway.records.products import check, errors


def lines(*products: Any) -> list[bytes]:
    return [each if isinstance(each, bytes) else json.dumps(each).encode() for each in products]


def test_valid_products_are_not_changed() -> None:
    product = b' {"id":7,"price":1.50,"colors":["red"],"custom":{"x":1},"unknown":null,"tags":null}\r\n'

    records, faults = check([product, b"", b" \n"])

    assert (records, faults) == ([("7", product.strip())], [])


@pytest.mark.parametrize(
    ("product", "code", "field"),
    [
        pytest.param(b"{", "PARSE_ERROR", "", id="cut off"),
        pytest.param(b"[]", "PARSE_ERROR", "", id="a list"),
        pytest.param(b'{"id":"\xff"}', "PARSE_ERROR", "", id="not UTF-8"),
        pytest.param(b"[" * 10_000, "PARSE_ERROR", "", id="deep"),
        pytest.param({}, "MISSING_REQUIRED_PROPERTY", "id", id="no id"),
        pytest.param({"id": ""}, "MISSING_REQUIRED_PROPERTY", "id", id="an empty id"),
        pytest.param({"id": {}}, "INVALID_PROPERTY_TYPE", "id", id="an object for an id"),
        pytest.param({"id": "x" * 51}, "INVALID_PROPERTY_FORMAT", "id", id="a long id"),
        pytest.param({"id": "1", "name": 1}, "INVALID_PROPERTY_TYPE", "name", id="a number for a name"),
        pytest.param({"id": "1", "name": "x" * 501}, "INVALID_PROPERTY_FORMAT", "name", id="a long name"),
        pytest.param({"id": "1", "price": "9"}, "INVALID_PROPERTY_TYPE", "price", id="a string for a price"),
        pytest.param(
            {"id": "1", "condition": "old"},
            "INVALID_PROPERTY_FORMAT",
            "condition",
            id="a value that is not allowed",
        ),
        pytest.param({"id": "1", "colors": [1]}, "INVALID_PROPERTY_TYPE", "colors", id="numbers for colors"),
        pytest.param({"id": "1", "custom": []}, "INVALID_PROPERTY_TYPE", "custom", id="a list for custom"),
        pytest.param(
            {"id": "1", "availability_date": "2026-01-01T00:00:00"},
            "INVALID_PROPERTY_FORMAT",
            "availability_date",
            id="a time without its zone",
        ),
    ],
)
def test_a_fault_has_its_code_and_line(product: Any, code: str, field: str) -> None:
    records, faults = check(lines({"id": "good"}, b"", product))

    assert [record.id for record in records] == ["good"]
    assert [(fault.line, fault.code, fault.field) for fault in faults] == [(3, code, field)]


def test_faults_are_grouped_by_code_and_property() -> None:
    _, faults = check(lines({"id": "a", "price": "x"}, {"id": "b", "price": "y"}, b"{"), start=10)

    assert errors(faults) == [
        {
            "code": "INVALID_PROPERTY_TYPE",
            "detail": "The property price has a value of the wrong type",
            "meta": {"property": "price", "error_count": 2, "line_numbers": [10, 11], "ids": ["a", "b"]},
        },
        {
            "code": "PARSE_ERROR",
            "detail": "The line is not a JSON object",
            "meta": {"error_count": 1, "line_numbers": [12]},
        },
    ]
