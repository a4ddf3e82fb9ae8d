"""
Values of a mapping, written out as Python.

A mapping has hundreds of values, nearly all of them a path, or the first of several, through functions.
Calling a function for each takes three times as long as the actual work. Therefore everything in an item is
written out as one function, in which the objects that paths go through are looked up once.

The text of such a function contains only numbered variables. Names, texts and patterns of a mapping are the
values of these variables, so that no text of a mapping is executed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

_MAX_DEPTH = 12
"""The most nested blocks in a function (Python allows 20); anything deeper becomes its own function."""

Find = Callable[..., Any]
"""Takes the event, the entry (inside a list or an object) and its key; returns a value, None if absent."""


class Value:
    """A value of events, or a condition on them."""

    def __init__(self, write: "Callable[[Code, str], None]") -> None:
        self.write = write
        """Writes the lines that leave the value in a variable."""

    @cached_property
    def find(self) -> Find:
        """The function that returns the value; written at its first use, since few values need their own."""
        code = Code()
        code.put(self, "found")
        return code.function("found")


class Constant(Value):
    """A value that no event changes."""

    def __init__(self, value: Any) -> None:
        super().__init__(lambda code, into: code.line(f"{into} = {code.name(value)}"))
        self.value = value


ABSENT = Constant(None)


def folded(value: Value, *parts: Value) -> Value:
    """Return a value made of others; a constant if all of these are constants."""
    return Constant(value.find({})) if all(isinstance(each, Constant) for each in parts) else value


class _Scope(NamedTuple):
    """A block that looks into one entry, or the whole function for the event."""

    entry: str
    key: str
    depth: int
    head: list[Any]
    """The lines at its start, which look up the objects."""
    objects: dict[tuple[str, ...], str]
    """The variables of the objects, by the path to each."""


class Code:
    """A function that is being written."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {"empty": {}}
        self._texts: dict[str, str] = {}
        self._depth = 1
        self._variables = 0
        self._event = _Scope("event", "None", 1, [], {(): "event"})
        self._entry = _Scope("entry", "key", 1, [], {})
        self._lines: list[Any] = [self._event.head, self._entry.head]

    @property
    def entry(self) -> str:
        """The variable of the entry."""
        return self._entry.entry

    @property
    def key(self) -> str:
        """The variable of the entry's key."""
        return self._entry.key

    def line(self, text: str) -> None:
        """Add a line."""
        self._lines.append(" " * self._depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Add a line, and below it the lines added within the context."""
        self.line(head)
        self._depth += 1
        yield
        self._depth -= 1

    @contextmanager
    def loop(self, entries: str, *, keyed: bool = False) -> Iterator[None]:
        """Add a loop over the entries of a list, or over pairs of a key and an entry."""
        entry, key = self.variable(), self.variable() if keyed else "None"
        with self.block(f"for {f'{key}, {entry}' if keyed else entry} in {entries}:"):
            outer, self._entry = self._entry, _Scope(entry, key, self._depth, [], {})
            self._lines.append(self._entry.head)
            yield
            self._entry = outer

    def variable(self) -> str:
        """Return a variable that is not in use."""
        self._variables += 1
        return f"v{self._variables}"

    def name(self, value: Any) -> str:
        """Return the name of a value from outside."""
        if value is None or type(value) is bool:
            return str(value)
        if type(value) is not str:
            name = f"n{len(self._names)}"
        elif value in self._texts:
            return self._texts[value]
        else:
            name = self._texts[value] = f"n{len(self._names)}"
        self._names[name] = value
        return name

    def put(self, value: Value, into: str) -> None:
        """Leave a value in a variable."""
        if self._depth < _MAX_DEPTH or isinstance(value, Constant):
            value.write(self, into)
        else:
            self.line(f"{into} = {self.name(value.find)}(event, {self.entry}, {self.key})")

    def evaluate(self, value: Value) -> str:
        """Return a variable with a value in it."""
        into = self.variable()
        self.put(value, into)
        return into

    def object(self, steps: tuple[str, ...], *, relative: bool) -> str:
        """Return the variable of the object that a path leads to; anything else counts as an empty object."""
        scope = self._entry if relative else self._event
        if steps not in scope.objects:
            source = scope.entry
            if steps:
                above = self.object(steps[:-1], relative=relative)
                source = f"{above}.get({self.name(steps[-1])})"
            found = scope.objects[steps] = self.variable()
            for line in (f"{found} = {source}", f"if type({found}) is not dict: {found} = empty"):
                scope.head.append(" " * scope.depth + line)
        return scope.objects[steps]

    def function(self, result: str) -> Find:
        """Return the function, which returns the final value of the variable `result`."""
        head = "def find(event, entry=None, key=None):"
        text = "\n".join([head, *_flat(self._lines), f" return {result}"])
        exec(text, self._names)  # noqa: S102  # the text has nothing from a mapping
        find: Find = self._names["find"]
        return find


def _flat(lines: list[Any]) -> Iterator[str]:
    for each in lines:
        if isinstance(each, str):
            yield each
        else:
            yield from _flat(each)
