"""Snippets: those of README.md, with this gateway's address and key."""

import re
from pathlib import Path

import msgspec
import pytest

from gateway.inspector.web.snippets import CLIENTS, address, first, of_source
from tests.inspector.visitor import configured

README = (Path(__file__).parents[3] / "README.md").read_text()


@pytest.mark.parametrize("name", [snippet.name for snippet in CLIENTS])
def test_a_snippet_is_that_of_the_readme(name: str) -> None:
    [text] = [snippet.text for snippet in CLIENTS if snippet.name == name]

    [row] = [
        line
        for line in README.splitlines()
        if line.startswith("| ") and name.split(" (", maxsplit=1)[0] in line and text in line
    ]
    assert f"`{text}`" in row


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        pytest.param("", "http://127.0.0.1:8080", id="the default"),
        pytest.param('host = "0.0.0.0"\nport = 9', "http://127.0.0.1:9", id="all addresses"),
        pytest.param('host = "::"', "http://[::1]:8080", id="all addresses of IPv6"),
        pytest.param('host = "::1"', "http://[::1]:8080", id="IPv6"),
        pytest.param('public_url = "https://events.example.com"', "https://events.example.com", id="public"),
    ],
)
def test_the_address_is_that_of_the_configuration(tmp_path: Path, server: str, expected: str) -> None:
    config = configured(
        tmp_path, f'[server]\n{server}\n[sources.a]\nwrite_keys = ["k"]\n[sinks.b]\nkind = "null"\n'
    )

    assert address(config) == expected


def test_the_key_is_there_only_if_asked_for(tmp_path: Path) -> None:
    config = configured(tmp_path)
    source = config.sources["website"]

    hidden = of_source(config, source, with_key=False)
    shown = of_source(config, source, with_key=True)

    assert not any("website-key" in each.text for each in hidden)
    assert all("website-key" in each.text for each in shown)
    assert not any(re.search(r"\bGW|KEY\b", each.text) for each in shown)


def test_a_site_of_commanders_act_has_its_own(tmp_path: Path) -> None:
    config = configured(tmp_path)
    source = msgspec.structs.replace(config.sources["website"], site_id="1234")

    assert of_source(config, source, with_key=True)[-1].text.endswith("/events?tc_s=1234&token=website-key")


def test_only_the_built_in_key_stands_in_the_first_snippets(tmp_path: Path) -> None:
    config = configured(tmp_path)

    assert all("KEY" in each.text for each in first(config))
    assert all("dev" in each.text for each in first(msgspec.structs.replace(config, built_in=True)))
