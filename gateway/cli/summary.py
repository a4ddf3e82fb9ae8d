"""Describe a configuration to a person: its file, its sinks, and a command that sends a first event."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

from gateway.config.tables import Config
from gateway.sinks.base import Sink


def command() -> str:
    """Return the command `gateway` as this shell finds it: by its name, or by the path used to call it."""
    called, found = Path(sys.argv[0]), which("gateway")
    if called.name != "gateway" or (found and called.exists() and called.samefile(found)):
        return "gateway"
    return str(called)


def start_lines(config: Config, file: Path | None) -> Iterator[str]:
    """Yield one line each for the configuration, the data folder and every sink, without secrets."""
    yield f"configuration  {file.absolute() if file else f'built in; to have a file: {command()} init'}"
    yield f"data           {config.journal.path}"
    for name, sink in config.sinks.items():
        yield f"sink           {sink_line(name, sink)}"


def sink_line(name: str, sink: Sink) -> str:
    """Return name, kind and target of a sink."""
    return f"{name}: {', '.join(filter(None, (str(sink.__struct_config__.tag), sink.target)))}"


def trial_line(url: str, write_key: str) -> str:
    """Return a shell command that sends an event. `write_key` may be a shell variable, such as "$KEY"."""
    login = f'"{write_key}:"' if write_key.startswith("$") else shlex.quote(f"{write_key}:")
    return f"""curl {url}/v1/track -u {login} -d '{{"userId": "u1", "event": "Hello"}}'"""


def trial_key(config: Config) -> str | None:
    """Return a write key whose source accepts events from everyone; None if there is no such source."""
    for source in config.sources.values():
        if source.enabled and not source.webhook_secret:
            return source.write_keys[0]
    return None
