"""What a person has consented to, in every form in which categories are sent."""

from typing import Any

import pytest

from tests.build import Door, to_json

FIELD = "user.consent_categories"


def consent(categories: Any) -> tuple[Any, list[str]]:
    """The consent of an event with these categories, and the fields that it was warned of."""
    door = Door()
    event = {"event_name": "a", "user": {"id": "1", "consent_categories": categories}, "context": {}}
    door.request("POST", "/events?token=dev", to_json(event))
    warnings = [warning for warning in door.event["warnings"] if warning["code"] == "invalid_context_field"]
    return door.event["context"]["consent"], [warning["field"] for warning in warnings]


@pytest.mark.parametrize(
    ("categories", "granted"),
    [
        pytest.param(["1", 3], ["1", "3"], id="texts and numbers"),
        pytest.param(["1", "1", 1], ["1"], id="the same again"),
        pytest.param("1, 3", ["1", "3"], id="between commas"),
        pytest.param('["1",3]', ["1", "3"], id="JSON in a text"),
        pytest.param({"0": "1", "2": "3"}, ["1", "3"], id="a list with holes, by PHP"),
        pytest.param(["1", "0"], ["1", "0"], id="numbers that might be a yes or no"),
        pytest.param("", [], id="an empty text"),
    ],
)
def test_categories_are_granted(categories: Any, granted: list[str]) -> None:
    found, warned = consent(categories)

    assert found == {"categoryPreferences": dict.fromkeys(granted, True), "granted": granted}
    assert warned == []


def test_an_object_grants_and_denies() -> None:
    found, warned = consent({"1": True, "3": "off", "10": 1})

    assert found == {"categoryPreferences": {"1": True, "3": False, "10": True}, "granted": ["1", "10"]}
    assert warned == []


@pytest.mark.parametrize(
    ("categories", "granted", "fields"),
    [
        pytest.param(["1", "true"], ["1"], [f"{FIELD}.1"], id="a yes without its category"),
        pytest.param("granted", [], [f"{FIELD}.0"], id="a mere yes"),
        pytest.param(
            [True, None, {}, "", "3"], ["3"], [f"{FIELD}.{n}" for n in range(4)], id="other entries"
        ),
        pytest.param({"1": True, "ads": "perhaps"}, ["1"], [f"{FIELD}.ads"], id="neither yes nor no"),
    ],
)
def test_what_is_no_category_grants_nothing_and_is_told(
    categories: Any, granted: list[str], fields: list[str]
) -> None:
    found, warned = consent(categories)

    assert found == {"categoryPreferences": dict.fromkeys(granted, True), "granted": granted}
    assert warned == fields


@pytest.mark.parametrize("categories", [True, 1, None, "[1"], ids=repr)
def test_what_holds_no_categories_grants_none(categories: Any) -> None:
    assert consent(categories) == ({"categoryPreferences": {}}, [FIELD])
