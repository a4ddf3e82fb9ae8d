"""Routing: the events selected for a sink, and the reasons for the others."""

from typing import Any

import pytest

from gateway.delivery.route import Route
from tests.build import event_line
from tests.fakes import ScriptedSink


def filter_reason(sink: ScriptedSink, **event: Any) -> str | None:
    """Return why an event is filtered by a sink named "archive", or None."""
    return Route("archive", sink).reason(event_line(**event))


def consenting(**preferences: Any) -> dict[str, Any]:
    return {"consent": {"categoryPreferences": preferences}}


def test_a_sink_without_filters_gets_every_event() -> None:
    assert filter_reason(ScriptedSink()) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [("website", None), ("shop", None), ("app", "source"), ("Website", "source")],
)
def test_a_sink_can_filter_by_source(source: str, expected: str | None) -> None:
    sink = ScriptedSink(sources=("website", "shop"))

    assert filter_reason(sink, source={"name": source, "dialect": "segment"}) == expected


@pytest.mark.parametrize(("type", "expected"), [("track", None), ("page", None), ("alias", "type")])
def test_a_sink_can_filter_by_type(type: str, expected: str | None) -> None:
    assert filter_reason(ScriptedSink(types=("track", "page")), type=type) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"event": "Order Completed"}, None),
        ({"event": "Signed Up"}, None),
        ({"event": "Signed Up Again"}, "event"),
        ({"event": "An Order"}, "event"),
        ({"event": "Order.\n"}, "event"),
        ({"type": "identify"}, "event"),
    ],
    ids=str,
)
def test_a_sink_can_filter_by_event_name(event: dict[str, str], expected: str | None) -> None:
    assert filter_reason(ScriptedSink(events=("Order *", "Signed Up")), **event) == expected


@pytest.mark.parametrize(
    "event", [{"event": "Order\nCompleted"}, {"event": ""}, {"type": "identify"}], ids=str
)
def test_a_star_alone_stands_for_every_event(event: dict[str, str]) -> None:
    assert filter_reason(ScriptedSink(events=("*",)), **event) is None


@pytest.mark.parametrize(
    ("wanted", "name", "reason"),
    [
        pytest.param("*a*b*", "xaxbx", None, id="two between"),
        pytest.param("a*b*b", "abb", None, id="the last twice"),
        pytest.param("a*b*b", "ab", "event", id="the last once"),
        pytest.param("*a*a*a*a*b", "a" * 10_000, "event", id="a hostile name"),
    ],
)
def test_a_name_may_have_several_wildcards(wanted: str, name: str, reason: str | None) -> None:
    assert filter_reason(ScriptedSink(events=(wanted,)), event=name) == reason


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        pytest.param({}, None, id="no consent"),
        pytest.param(consenting(**{"1": True, "2": True}), None, id="both granted"),
        pytest.param(consenting(**{"1": True, "2": True, "3": False}), None, id="a third denied"),
        pytest.param(consenting(**{"1": True, "2": False}), "consent", id="one denied"),
        pytest.param(consenting(**{"1": True}), "consent", id="one missing"),
        pytest.param(consenting(**{"1": "Yes", "2": 1}), None, id="granted in other spellings"),
        pytest.param(consenting(**{"1": True, "2": "perhaps"}), "consent", id="another word is not a grant"),
        pytest.param(consenting(**{"1": True, "2": 2}), "consent", id="another number is not a grant"),
        pytest.param(consenting(ALL=True), None, id="all granted"),
        pytest.param(consenting(**{"2": "denied", "ALL": True}), "consent", id="all granted but one"),
        pytest.param(consenting(), "consent", id="none granted"),
        pytest.param({"consent": {}}, "consent", id="no preferences"),
        pytest.param({"consent": {"categoryPreferences": None}}, "consent", id="preferences are null"),
        pytest.param({"consent": {"categoryPreferences": ["1", "2"]}}, "consent", id="preferences in a list"),
        pytest.param({"consent": None}, "consent", id="consent is null"),
        pytest.param({"consent": "yes"}, "consent", id="consent is a string"),
    ],
)
def test_every_category_of_the_sink_must_be_granted(context: dict[str, Any], expected: str | None) -> None:
    assert filter_reason(ScriptedSink(consent=("1", "2")), context=context) == expected


def test_a_sink_without_categories_requires_no_consent() -> None:
    assert filter_reason(ScriptedSink(), context=consenting(**{"1": False})) is None


@pytest.mark.parametrize(
    ("integrations", "expected"),
    [
        pytest.param({}, None, id="no filter"),
        pytest.param({"All": True}, None, id="all"),
        pytest.param({"All": False}, "integrations", id="none"),
        pytest.param({"archive": False}, "integrations", id="all but this"),
        pytest.param({"other": False}, None, id="all but another"),
        pytest.param({"All": True, "archive": False}, "integrations", id="all but this, in full"),
        pytest.param({"All": False, "archive": True}, None, id="only this"),
        pytest.param({"All": False, "archive": {"key": 1}}, None, id="only this, with settings"),
        pytest.param({"All": False, "archive": {}}, None, id="only this, with empty settings"),
        pytest.param({"All": False, "other": True}, "integrations", id="only another"),
        pytest.param({"archive": "No"}, "integrations", id="all but this, as a text"),
        pytest.param({"All": 0, "archive": 1}, None, id="only this, in numbers"),
        pytest.param({"archive": "perhaps"}, None, id="another word is no denial"),
        pytest.param({"All": False, "archive": "perhaps"}, "integrations", id="another word is no choice"),
    ],
)
def test_an_event_can_exclude_integrations(integrations: dict[str, Any], expected: str | None) -> None:
    assert filter_reason(ScriptedSink(), integrations=integrations) == expected


@pytest.mark.parametrize(("named", "expected"), [("Data Lake", "integrations"), ("archive", None)])
def test_a_sink_can_have_another_name_among_the_integrations(named: str, expected: str | None) -> None:
    assert filter_reason(ScriptedSink(integration="Data Lake"), integrations={named: False}) == expected


def test_an_event_is_counted_for_one_reason_only() -> None:
    sink = ScriptedSink(sources=("website",), types=("page",), consent=("1",))
    unwanted = {"integrations": {"All": False}, "context": consenting()}

    assert filter_reason(sink, **unwanted) == "source"


def test_other_fields_of_an_event_do_not_matter() -> None:
    fields = {"extras": {"type": "page"}, "warnings": [{"code": "x"}], "properties": {"deep": [[[1.50]]]}}

    assert filter_reason(ScriptedSink(types=("track",)), **fields) is None
