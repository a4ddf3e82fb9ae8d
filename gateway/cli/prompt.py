"""A prompt for SQL, with a persistent history and completion of names."""

import os
import readline
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

_FIRST, _NEXT = "events> ", "   ...> "
_HISTORY_LINES = 1000
_NAME_ENDS = " \t\n\"'`@$><=;|&{(,)*+-/:[]"
"""The characters that end a name to be completed."""


def statements(names: Sequence[str]) -> Iterator[str]:
    """
    Yield each typed statement, which may have several lines and ends with ";".

    Tab completes the names. Ctrl-C discards what was typed; Ctrl-D or "exit" ends the prompt.
    """
    with _editing(names):
        lines: list[str] = []
        while True:
            try:
                line = input(_NEXT if lines else _FIRST)
            except KeyboardInterrupt:
                click.echo()
                lines.clear()
                continue
            except EOFError:
                click.echo()
                return
            if not lines and line.strip().rstrip(";") in ("exit", "quit"):
                return
            if line.strip() or lines:
                lines.append(line)
            if line.rstrip().endswith(";"):
                yield "\n".join(lines)
                lines.clear()


@contextmanager
def _editing(names: Sequence[str]) -> Iterator[None]:
    """Complete names, and keep the history, for the duration of the block."""
    file = _history_file()
    readline.set_completer(_Completer(names).complete)
    readline.set_completer_delims(_NAME_ENDS)
    readline.parse_and_bind("tab: complete")
    readline.set_history_length(_HISTORY_LINES)
    try:
        readline.read_history_file(file)
    except OSError:
        pass  # there is none yet
    try:
        yield
    finally:
        readline.set_completer(None)
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            readline.write_history_file(file)
        except OSError:
            pass  # a history is a convenience


def _history_file() -> Path:
    """Return the path that the XDG Base Directory Specification prescribes."""
    folder = os.environ.get("XDG_STATE_HOME", "")
    base = Path(folder) if folder.startswith("/") else Path.home() / ".local/state"
    return base / "event-gateway/query-history"


class _Completer:
    """Completes the name before the cursor, whatever its case."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = sorted(names)
        self._found: list[str] = []

    def complete(self, text: str, state: int) -> str | None:
        """Return completion number `state`: readline asks for one after another."""
        if state == 0:
            self._found = [name for name in self._names if name.lower().startswith(text.lower())]
        return self._found[state] if state < len(self._found) else None
