"""Every promise of the documentation, held to the code."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
import pytest
import yaml  # type: ignore[import-untyped]  # its types are a package of their own
from prometheus_client import REGISTRY

from gateway import errors, metrics
from gateway.cli.main import main
from gateway.config import file, tables
from gateway.config.secret import Secret
from gateway.dialects import DIALECTS
from gateway.hints import HINTS
from gateway.inspector.ledger import Ledger
from gateway.inspector.processes import Processes
from gateway.inspector.scrape import COMPLETE
from gateway.journal.segments.log import SegmentLog
from gateway.sinks import KINDS
from gateway.sinks.base import Sink
from gateway.sources import Identity, Source
from gateway.warnings import WarningCode
from gateway.webhooks.table import Fields, Webhook

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
INTAKE = (ROOT / "config/README.md").read_text()
OPERATIONS = (ROOT / "deploy/README.md").read_text()
FULL = (ROOT / "config/full.toml").read_text()


def section(document: str, title: str) -> str:
    """A section of a document, with the sections below it."""
    pattern = rf"^(#+) {re.escape(title)}\n(.*?)(?=^(?!\1#)#+ |\Z)"
    found = re.search(pattern, document, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[2]


def blocks(document: str, language: str) -> list[str]:
    """The code blocks in a language."""
    return re.findall(rf"^```{language}\n(.+?)\n```$", document, re.MULTILINE | re.DOTALL)


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, click.Command]]:
    """All commands that do something, each with its name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)
        else:
            yield " ".join((*above, name)), command


@pytest.mark.parametrize("code", errors.codes())
def test_every_code_is_documented(code: str) -> None:
    assert f"| `{code}` |" in section(INTAKE, "Error codes")


def test_every_documented_code_exists() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", section(INTAKE, "Error codes"), re.MULTILINE)

    assert sorted(documented) == sorted(errors.codes())


@pytest.mark.parametrize("code", errors.codes())
def test_the_hint_of_a_code_has_the_words_of_its_documentation(code: str) -> None:
    [row] = re.findall(rf"^\| `{code}` \| \d+ \| (.+) \|$", section(INTAKE, "Error codes"), re.MULTILINE)

    assert re.sub(r"\[(.+?)\]\(.+?\)", r"\1", row).replace("`", "") == HINTS[code]


def test_the_documented_warnings_are_those_that_exist() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", section(INTAKE, "Warning codes"), re.MULTILINE)

    assert sorted(documented) == sorted(get_args(WarningCode))


@pytest.mark.parametrize("name", main.list_commands(click.Context(main)))
def test_the_readme_names_every_command(name: str) -> None:
    assert f"`gateway {name}" in README


@pytest.mark.parametrize(
    ("name", "command"), [pytest.param(name, command, id=name) for name, command in commands(main)]
)
def test_every_command_and_option_is_documented(name: str, command: click.Command) -> None:
    found = section(OPERATIONS, "Commands")
    [row] = [line for line in found.splitlines() if line.startswith(f"| `gateway {name}")]
    common = found[: found.index("| command |")]

    options = [
        option
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--")
    ]

    assert [option for option in options if f"`{option}" not in row and f"`{option} " not in common] == []


def test_every_metric_is_documented(tmp_path: Path) -> None:
    ours = [metric.name for metric in REGISTRY.collect() if metric.name.startswith("gateway_")]
    collectors = Ledger(SegmentLog(tmp_path), tmp_path / "state.db", ()), Processes()
    collected = [metric.name for collector in collectors for metric in collector.collect()]

    assert metrics.RECEIVED  # they exist because this module was imported
    table = section(OPERATIONS, "Metrics")
    assert [
        name
        for name in (*ours, *collected, COMPLETE)
        if not re.search(rf"^\| `{name}(_total)?[`{{]", table, re.MULTILINE)
    ] == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_sink_is_documented(kind: str) -> None:
    assert f"| `{kind}` |" in section(README, "Sinks")


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_every_dialect_is_documented(name: str) -> None:
    assert f"| {name} |" in README


def test_every_path_in_the_journey_exists() -> None:
    import gateway

    named = re.findall(r"[\w/]+\.py", gateway.__doc__ or "")

    assert named
    assert [path for path in named if not (ROOT / "gateway" / path).exists()] == []


def test_every_file_is_a_step_of_the_journey() -> None:
    import gateway

    files = {str(path.relative_to(ROOT / "gateway")) for path in (ROOT / "gateway").rglob("[a-z]*.py")}
    members = {f"sinks/{kind}.py" for kind in KINDS} | {f"dialects/{name}.py" for name in DIALECTS}
    named = set(re.findall(r"[\w/]+\.py", gateway.__doc__ or ""))

    assert files - members - named - {"sinks/base.py"} == set()


REQUIRED: dict[str, dict[str, Any]] = {
    "archive": {"path": ROOT / "config/data/events.jsonl"},
    "olap": {"url": "https://clickhouse.example.com:8443"},
    "notebook": {"path": ROOT / "config/data/events.duckdb"},
    "google": {"project": "my-project", "dataset": "analytics"},
    "lake": {"path": ROOT / "config/data/lake"},
    "table": {"path": ROOT / "config/data/table"},
    "stream": {"servers": ("kafka.example.com:9093",)},
    "jetstream": {"servers": ("tls://nats.example.com:4222",)},
    "queue": {"url": Secret("rediss://gateway:secret@redis.example.com:6379/0")},
    "webhook": {"url": Secret("https://hooks.example.com/events")},
    "upstream": {"url": "https://api.segment.io", "write_key": Secret("UPSTREAM_KEY")},
    "cdp": {"site": "1234", "token": Secret("SOURCE_KEY")},
    "analytics": {
        "name": "ga4",
        "settings": {"measurement_id": Secret("G-ABC123"), "api_secret": Secret("GA4_SECRET")},
    },
    "warehouse": {"dsn": Secret("postgresql://events:secret@db.example.com/analytics")},
}
"""The keys without a default, by sink."""


def test_the_full_configuration_spells_out_the_defaults() -> None:
    loaded = file.load(ROOT / "config/full.toml", None, {})

    assert loaded.server == tables.Server()
    assert loaded.inspector == tables.Inspector()
    assert loaded.delivery == tables.Delivery()
    assert loaded.journal == tables.Journal(path=ROOT / "config/data/journal")
    assert loaded.sources == {"website": Source("website", ("WEBSITE_KEY",))}
    for name, sink in loaded.sinks.items():
        assert sink == type(sink)(**REQUIRED.get(name, {}))


@pytest.mark.parametrize(
    ("table", "shape"),
    [
        ("server", tables.Server),
        ("inspector", tables.Inspector),
        ("journal", tables.Journal),
        ("delivery", tables.Delivery),
        ("sources.website", Source),
        ("sinks.archive", KINDS["json_lines"]),
        ("sinks.warehouse", KINDS["postgres"]),
        ("sinks.lake", KINDS["parquet"]),
        ("sinks.table", KINDS["delta"]),
        ("sinks.olap", KINDS["clickhouse"]),
        ("sinks.notebook", KINDS["duckdb"]),
        ("sinks.google", KINDS["bigquery"]),
        ("sinks.stream", KINDS["kafka"]),
        ("sinks.jetstream", KINDS["nats"]),
        ("sinks.queue", KINDS["redis"]),
        ("sinks.console", KINDS["stdout"]),
        ("sinks.nowhere", KINDS["null"]),
        ("sinks.webhook", KINDS["http"]),
        ("sinks.upstream", KINDS["segment"]),
        ("sinks.cdp", KINDS["commandersact"]),
        ("sinks.analytics", KINDS["destination"]),
    ],
)
def test_every_key_is_in_the_full_configuration(table: str, shape: type[msgspec.Struct]) -> None:
    start = FULL.index(f"[{table}]")
    text = FULL[start : FULL.find("\n[", start) if "\n[" in FULL[start:] else None]
    common = set(Sink.__struct_fields__) if table.startswith("sinks.") and table != "sinks.archive" else set()
    keys = {field.encode_name for field in msgspec.structs.fields(shape)} - {"name"} - common

    assert {key for key in keys if not re.search(rf"^(# )?{key} = ", text, re.MULTILINE)} == set()


@pytest.mark.parametrize(
    ("title", "shape"),
    [
        ("Tables", tables.Server),
        ("Tables", tables.Inspector),
        ("Tables", tables.Journal),
        ("Tables", tables.Delivery),
        ("Tables", Source),
        *(("Tables", sink) for sink in KINDS.values()),
        ("Visitors and addresses", Identity),
        ("Webhooks", Webhook),
        ("Webhooks", Fields),
    ],
)
def test_every_key_is_explained(title: str, shape: type[msgspec.Struct]) -> None:
    text = section(INTAKE, title)
    own = {"name"} if shape is Source else set()  # the table's own name
    keys = {field.encode_name for field in msgspec.structs.fields(shape)} - own

    assert {key for key in keys if not re.search(rf"`(\[)?{key}\b", text)} == set()


def test_the_minimal_configuration_is_valid() -> None:
    loaded = file.load(ROOT / "config/minimal.toml", None, {"WRITE_KEY": "w"})

    assert loaded.sources["website"].write_keys == ("w",)


def test_the_commands_of_the_readme_are_what_ci_runs() -> None:
    ci = (ROOT / ".ci/run").read_text()

    assert [block for block in blocks(README, "sh") if "pytest" in block] == [
        (
            "python3 -m venv .venv && .venv/bin/pip install -e '.[test]'"
            " && .venv/bin/pytest -n auto --dist loadfile"
        )
    ]
    assert "README.md" in ci


def test_the_workflow_runs_what_ci_runs_on_every_supported_python() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    [job] = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert [
        f"Programming Language :: Python :: {version}" for version in job["strategy"]["matrix"]["python"]
    ] == [each for each in project["classifiers"] if re.fullmatch(r".* :: Python :: 3\.\d+", each)]


def test_the_builtin_configuration_is_what_the_readme_says() -> None:
    built_in = tomllib.loads(file.BUILT_IN)

    assert built_in["sources"]["default"]["write_keys"] == ["dev"]
    assert built_in["sinks"]["events"]["path"] == "data/events.jsonl"
