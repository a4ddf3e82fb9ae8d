"""What deploy/README.md says of the files beside it, and of speed."""

import re

from gateway.config import file
from tests.deploy.documents import README
from tests.deploy.programs import DEPLOY
from tests.test_docs import INTAKE, blocks, section
from tests.test_docs import README as MAIN

FIGURE = r"[\d,.]+(?:/s| µs| MB)(?!\w)"


def test_every_file_that_a_command_names_exists() -> None:
    named = {path for block in blocks(README, "sh") for path in re.findall(r"\bdeploy/[\w./-]+", block)}

    assert named
    assert {path for path in named if not (DEPLOY.parent / path).exists()} == set()


def test_commands_run_as_the_unit_does() -> None:
    unit = (DEPLOY / "systemd/gateway.service").read_text()
    [command] = [block for block in blocks(README, "sh") if "systemd-run" in block]

    properties = re.findall(r"-p (\S+)", command)
    [config] = re.findall(r"-E GATEWAY_CONFIG=(\S+)", command)
    [program] = re.findall(r"(/\S+) sinks$", command.strip())

    assert {text.partition("=")[0] for text in properties} >= {"User", "EnvironmentFile", "UMask"}
    assert [text for text in properties if f"\n{text}\n" not in unit] == []
    assert f"ExecStart={program} serve --config {config}\n" in unit


def test_every_file_that_is_linked_exists() -> None:
    linked = set(re.findall(r"\]\(([\w./-]+)", README))

    assert {path for path in linked if not (DEPLOY / path).exists()} == set()


def test_sizing_has_no_figures_but_those_that_are_measured_or_limits() -> None:
    figures = set(re.findall(FIGURE, section(README, "Sizing")))

    assert figures
    assert {figure for figure in figures if figure not in MAIN and figure not in INTAKE} == set()


def test_the_unit_is_configured_to_write_to_its_state_directory_alone() -> None:
    config = file.load(DEPLOY / "systemd/gateway.toml", None, {"WRITE_KEY": "w"})

    unit = (DEPLOY / "systemd/gateway.service").read_text()
    assert "\nStateDirectory=gateway\n" in unit
    assert str(config.journal.path).startswith("/var/lib/gateway/")
    assert str(config.sinks["archive"].path).startswith("/var/lib/gateway/")  # type: ignore[attr-defined]  # json_lines
