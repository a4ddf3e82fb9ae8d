"""Small configurations, which name only what a test is about."""

from pathlib import Path

import pytest

from gateway.config.file import load
from gateway.config.tables import Config
from gateway.errors import ConfigError

VALID = {
    "sources.website": 'write_keys = ["KEY"]',
    "sinks.archive": 'kind = "json_lines"\npath = "data/events.jsonl"',
}


def write(file: Path, **tables: str) -> Path:
    """A valid configuration with the given tables besides or instead; "__" stands for a dot."""
    named = VALID | {name.replace("__", "."): text for name, text in tables.items()}
    file.write_text("".join(f"[{name}]\n{text}\n" for name, text in named.items()), "utf-8")
    return file


def read(file: Path, environment: dict[str, str] | None = None) -> Config:
    return load(file, None, environment or {})


def mistakes(file: Path, environment: dict[str, str] | None = None) -> list[str]:
    """What is said of a file, without its name, which every line begins with."""
    with pytest.raises(ConfigError) as caught:
        read(file, environment)
    found = caught.value.mistakes
    assert all(mistake.startswith(f"{file}: ") and "\n" not in mistake for mistake in found)
    return [mistake.removeprefix(f"{file}: ") for mistake in found]
