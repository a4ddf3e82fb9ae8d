"""What holds for the mapping of every vendor."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its types are a package of their own
import pytest

from gateway.destinations import settings as settings_of
from gateway.destinations import vendor as vendors
from gateway.destinations.planning import plan
from gateway.destinations.program import Program
from gateway.destinations.vendor import built_in
from tests.destinations.trying import content
from tests.sinks.nasty import nasty_lines

SCHEMA = json.loads((Path(vendors.__file__).parent / "schema.json").read_text())
ROOT = Path(__file__).parents[2]

every_vendor = pytest.mark.parametrize("name", vendors.names())


def program(name: str) -> Program:
    known, _ = settings_of.read_settings(built_in(name).table["settings"])
    made_up = {key: "1" for key, each in known.items() if each.default is None}
    return Program(built_in(name), made_up)


@every_vendor
def test_a_mapping_fits_the_schema_of_editors(name: str) -> None:
    jsonschema.validate(built_in(name).table, SCHEMA)


@pytest.mark.parametrize(
    "table",
    [
        {"rulez": []},
        {"send": {"url": "https://a.example", "item": "x"}},
        {"common": {"a": {"from": "b", "doo": []}}},
        {"checks": [{"name": "a", "if": {"exist": "b"}}]},
    ],
)
def test_the_schema_finds_misspelled_words(table: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(table, SCHEMA)


@every_vendor
def test_every_vendor_says_what_it_is_and_what_its_settings_mean(name: str) -> None:
    vendor = built_in(name)
    known, mistakes = settings_of.read_settings(vendor.table["settings"])

    assert mistakes == []
    assert vendor.title
    assert vendor.docs.startswith("https://")
    assert [key for key, each in known.items() if not each.about] == []


@every_vendor
def test_every_vendor_has_its_tests(name: str) -> None:
    assert (ROOT / f"tests/destinations/test_{name}.py").exists()


@every_vendor
def test_every_vendor_has_a_row_in_the_documents(name: str) -> None:
    assert f"\n| `{name}` |" in (ROOT / "config/README.md").read_text()


def test_the_full_configuration_has_the_settings_of_vendors_with_their_defaults() -> None:
    text = (ROOT / "config/full.toml").read_text().replace("\n#     ", " ")
    told = dict(re.findall(r"^# (\w+): (.+)$", text, re.MULTILINE))

    for name in vendors.names():
        known, _ = settings_of.read_settings(built_in(name).table["settings"])
        required = [key for key, each in known.items() if each.default is None]
        others = [f'{key} = "{each.default}"' for key, each in known.items() if each.default is not None]
        assert told[name] == ", ".join([*required, *others])


@every_vendor
def test_the_nastiest_events_are_mapped_or_refused_with_a_reason(name: str) -> None:
    planned = plan(program(name), nasty_lines(), 8, 1767268860)

    assert planned.failed == {}
    assert [str(refused) for refused in planned.refused.values() if not refused.code] == []
    for lane in planned.lanes:
        for request in lane:
            content(request)
