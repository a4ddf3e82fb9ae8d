"""Fixtures of the tests of configurations."""

from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a configuration is written."""
    return tmp_path / "gateway.toml"
