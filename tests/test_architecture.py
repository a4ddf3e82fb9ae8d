"""The rules of the layout, checked, so that a reviewer need not."""

import ast
from pathlib import Path

import pytest

from gateway.dialects import DIALECTS
from gateway.sinks import KINDS

# A module may import from the layers before its own: never from a later one, never from a neighbour.
# The longest name that fits counts: `config.units` may lie below the rest of `config`.
LAYERS = (
    {"masking"},
    {
        "errors",
        "hints",
        "warnings",
        "operation",
        "metrics",
        "logs",
        "backoff",
        "bucket",
        "durable",
        "remembered",
    }
    | {"front_page"}
    | {f"config.{name}" for name in ("units", "secret", "environment", "origins", "paths", "script")}
    | {"config.servers"},
    {"message", "sqlite", "postgresql"},
    {"raw"},
    {"event", "submission", "home"},
    {"webhooks"},
    {"sources"},
    {"outcome", "clients"},
    {"diagnostics"},
    {"commerce"},
    {"dialects", "journal", "destinations"},
    {"sinks"},
    {"records", "state", "config.tables"},
    {"journal.jetstream", "journal.kafka"},
    {"journal.engines"},
    {"intake", "delivery", "analysis"},
    {"services"},
    {"inspector"},
    {"config"},
    {"processes"},
    {"cli"},
    {"__main__"},
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "gateway").rglob("*.py"))
MODULES = [path for path in FILES if path != ROOT / "gateway/__init__.py"]
MEMBERS = {f"dialects.{name}" for name in DIALECTS} | {f"sinks.{kind}" for kind in KINDS}
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def spelled(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> set[str]:
    """Return the modules and packages below `gateway` that a module imports, such as "journal.base"."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "gateway":
            inside = node.module.removeprefix("gateway").removeprefix(".")
            for alias in node.names:
                name = f"{inside}.{alias.name}".removeprefix(".")
                found.add(name if is_module(name) else inside)
    return found


def is_module(name: str) -> bool:
    path = ROOT / "gateway" / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "gateway").with_suffix("").parts).removesuffix(".__init__")


def layer(name: str) -> str:
    """Return the longest name in LAYERS that a module lies under."""
    parts = name.split(".")
    return next(known for end in range(len(parts), 0, -1) if (known := ".".join(parts[:end])) in RANK)


@pytest.mark.parametrize("path", MODULES, ids=spelled)
def test_imports_point_one_way(path: Path) -> None:
    here = layer(module_name(path))

    others = {layer(name) for name in imported(path)} - {here}

    assert {name for name in others if RANK[name] >= RANK[here]} == set()


@pytest.mark.parametrize("path", MODULES, ids=spelled)
def test_no_member_of_a_family_imports_another(path: Path) -> None:
    here = module_name(path)
    member = next((name for name in MEMBERS if f"{here}.".startswith(f"{name}.")), here)

    family = {name for name in imported(path) if layer(name) == layer(here)}

    assert {
        other for other in family if any(f"{other}.".startswith(f"{name}.") for name in MEMBERS - {member})
    } == set()


def test_no_imports_form_a_cycle() -> None:
    graph = {module_name(path): imported(path) for path in MODULES}

    with_cycles = {name for name in graph if name in reachable(graph, name)}

    assert with_cycles == set()


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [*graph[start]]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph.get(name, ())
    return found


@pytest.mark.parametrize("path", MODULES, ids=spelled)
def test_sqlite_is_the_one_that_comes_with_apsw(path: Path) -> None:
    names = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import)
        for alias in node.names
    }

    assert "sqlite3" not in names


@pytest.mark.parametrize("path", FILES + TESTS, ids=spelled)
def test_a_file_holds_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", FILES + TESTS, ids=spelled)
def test_a_file_says_what_it_is_for(path: Path) -> None:
    module = ast.parse(path.read_text())

    assert ast.get_docstring(module) or not module.body


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_every_dialect_and_sink_has_its_test(name: str) -> None:
    family, _, member = name.partition(".")
    places = (f"{family}/test_{member}.py", f"{family}/{member}/test_dialect.py")

    assert any((ROOT / "tests" / place).exists() for place in places)


def test_the_top_level_holds_nothing_else() -> None:
    allowed = {"pyproject.toml", "README.md", "gateway", "tests", "config", "deploy"}
    ignored = {"data", "build", "gateway.toml"}

    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}

    assert {name for name in found - allowed if not name.endswith(".egg-info")} - ignored == set()
