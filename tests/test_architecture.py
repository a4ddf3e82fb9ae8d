"""The rules of the layout, checked, so that a reviewer need not."""

import ast
from pathlib import Path

import pytest

# A name may import the layers before it: never a later one, never a neighbour.
LAYERS = (
    {"errors", "operation", "timestamps", "units", "metrics", "logs", "backoff", "durable"},
    {"message", "repair", "values", "sqlite", "arguments", "tables"},
    {"objects", "event", "submission", "home"},
    {"webhooks"},
    {"sources"},
    {"outcome", "clients"},
    {"commandersact", "commerce"},
    {"dialects", "sinks", "journal"},
    {"records", "state"},
    {"intake", "delivery", "inspector"},
    {"config", "send"},
    {"config_file"},
    {"app"},
    {"cli"},
    {"__main__"},
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "gateway").rglob("*.py"))
MODULES = [path for path in FILES if path != ROOT / "gateway/__init__.py"]
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def spelled(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> set[str]:
    """The names directly below `gateway` that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "gateway":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("gateway."):
            found.add(node.module.split(".")[1])
    return found


@pytest.mark.parametrize("path", MODULES, ids=spelled)
def test_imports_point_one_way(path: Path) -> None:
    here = path.relative_to(ROOT / "gateway").parts[0].removesuffix(".py")

    assert {name for name in imported(path) - {here} if RANK[name] >= RANK[here]} == set()


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


@pytest.mark.parametrize("family", ["dialects", "sinks"])
def test_every_dialect_and_sink_has_its_test(family: str) -> None:
    modules = {path.stem for path in (ROOT / "gateway" / family).glob("[a-z]*.py")} - {"base"}

    assert {name for name in modules if not (ROOT / "tests" / family / f"test_{name}.py").exists()} == set()


def test_the_top_level_holds_nothing_else() -> None:
    allowed = {"pyproject.toml", "README.md", "gateway", "tests", "config", "deploy"}
    ignored = {"data", "build", "gateway.toml"}

    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}

    assert {name for name in found - allowed if not name.endswith(".egg-info")} - ignored == set()
