"""JSON as people read it: indented, marked, and never markup."""

import json
import re
from html import unescape

import pytest

from gateway.inspector.web.document import MAX_SHOWN, find_place, indented, show, visible
from tests.inspector.web.hostile import CORPUS


def text_of(markup: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", markup))


def marked_in(markup: str) -> list[str]:
    return [text_of(found) for found in re.findall(r"<mark>(.*?)</mark>", markup)]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({}, id="an empty object"),
        pytest.param([], id="an empty list"),
        pytest.param({"a": [1, {"b": None}], "c": {"d": [True, -1.5e300]}}, id="nested"),
        pytest.param({'a"b\\': 'c"\\', "é": "漢"}, id="quotes"),
        pytest.param("text", id="a text"),
        pytest.param({"": {"": ""}}, id="empty names"),
    ],
)
def test_nothing_is_lost(value: object) -> None:
    assert json.loads(text_of(show(json.dumps(value)))) == value


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
@pytest.mark.parametrize("as_json", [True, False], ids=["in JSON", "instead of JSON"])
def test_no_text_becomes_markup(text: str, as_json: bool) -> None:
    shown = show(json.dumps({text: [text]}) if as_json else text)

    assert set(re.findall(r"<[^>]*>", shown)) <= {
        *(f'<span class="{kind}">' for kind in "ksnp"),
        *("</span>", "<mark>", "</mark>"),
    }
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        pytest.param(("userId",), ['"userId"', "7"], id="a value"),
        pytest.param(("context", "page"), ['"page"'], id="an object, by its key"),
        pytest.param(("context", "page", "url"), ['"url"', '"/a"'], id="deep"),
        pytest.param(("list", "1"), ['"b"'], id="in a list"),
        pytest.param(("list", "2", "x"), ['"x"', "1"], id="in an object of a list"),
        pytest.param(("page",), [], id="another key of the same name is not meant"),
        pytest.param((), [], id="nothing"),
    ],
)
def test_the_place_is_marked(path: tuple[str, ...], marked: list[str]) -> None:
    text = '{"userId":7,"context":{"page":{"url":"/a"}},"list":["a","b",{"x":1}]}'

    assert marked_in(show(text, path)) == marked


def test_a_missing_key_is_shown_where_it_would_be() -> None:
    assert text_of(show('{"type":"track"}', missing="event")) == '{\n  "event": …\n  "type": "track"\n}'


@pytest.mark.parametrize("text", ["[1]", '"text"', "no JSON", ""])
def test_what_is_no_object_lacks_no_key(text: str) -> None:
    assert marked_in(show(text, missing="event")) == []


@pytest.mark.parametrize(
    ("code", "details", "place"),
    [
        pytest.param(
            "invalid_field", "$.context.page: expected an object", (("context", "page"), ""), id="a path"
        ),
        pytest.param(
            "invalid_field", "$.products[2].price: no", (("products", "2", "price"), ""), id="a list"
        ),
        pytest.param("missing_event", "", ((), "event"), id="a missing key"),
        pytest.param("unknown_type", "", (("type",), ""), id="a wrong one"),
        pytest.param("unknown_write_key", "", ((), ""), id="nothing in the body"),
        pytest.param("invalid_field", "nested too deep", ((), ""), id="no place"),
    ],
)
def test_the_place_is_found(code: str, details: str, place: object) -> None:
    assert find_place(code, details) == place


def test_a_deep_or_long_body_is_shown_as_it_is() -> None:
    deep = "[" * 5000 + "]" * 5000
    long = json.dumps("x" * MAX_SHOWN)

    assert "span" not in show(long)
    assert text_of(show(deep)).replace("\n", "").replace(" ", "") == deep


def test_the_indentation_of_a_hostile_body_is_no_page_of_megabytes() -> None:
    text = "[" * 500 + ",".join("1" * 7000) + "]" * 500

    assert text_of(show(text)) == indented(text) == text
    assert indented('{"a":1}') == '{\n  "a": 1\n}'
