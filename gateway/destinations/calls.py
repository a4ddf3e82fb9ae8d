"""Calls: the requests that a vendor's API accepts, each with its address, constant parts and limits."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from gateway.config.units import Duration, Rate
from gateway.destinations.answers import Answers
from gateway.destinations.code import ABSENT, Constant, Value
from gateway.destinations.grammar import Report, fill, suggest
from gateway.destinations.lines import Path
from gateway.destinations.values import Values

DEFAULT = "send"
"""The name of the call that [send] describes."""

_KEYS = (
    *("method", "url", "query", "headers", "form", "body", "items", "unique", "limits", "envelope"),
    *("common", "answers"),
)
_METHODS = ("POST", "PUT", "PATCH")
_WHOLE_BODY = "."
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Limits(msgspec.Struct, frozen=True):
    """The limits of one request, and of one event."""

    items: int = 0
    """The most items in a request; 0: as many as its bytes allow."""
    bytes: int = 0
    """The most bytes of a body; 0: any."""
    item_bytes: int = 0
    """The most bytes of an item; 0: any."""
    max_age: float = 0
    """The most seconds since the event; 0: any."""
    max_future: float = 0
    """The most seconds until the event; 0: any."""
    rate: float = 0
    """The most requests per second; 0: any."""


class Call(msgspec.Struct, frozen=True, eq=False):
    """One kind of request, for the settings of one sink."""

    name: str
    method: str
    url: str
    query: dict[str, str]
    headers: dict[str, str]
    form: bool
    """Whether the members of a body are sent as the fields of a form, instead of JSON."""
    body: dict[str, Any]
    """The constant members of each body."""
    items: tuple[str, ...] | None
    """Where the list of items is in a body; () if it is the body itself, None if each item is a request."""
    unique: Value
    """The value of an item that no two items of a request may share."""
    envelope: Value
    """The members that the items of a request share."""
    common: dict[str, Any]
    """The template that every rule adds to, as written in the mapping."""
    limits: Limits
    answers: Answers


def compile_calls(
    table: Mapping[str, Any], values: Values, settings: Mapping[str, str], report: Report
) -> dict[str, Call]:
    """Return the calls by name; mistakes in them are reported."""
    send = table.get(DEFAULT, {})
    shared = {key: table[key] for key in ("envelope", "common", "answers") if key in table}
    calls = (
        {DEFAULT: _Reader((DEFAULT,), send, values, settings, report, shared).call(DEFAULT)} if send else {}
    )
    for name, own in table.get("calls", {}).items():
        at = ("calls", name)
        if not isinstance(own, dict):
            report(at, "expected a table")
            continue
        inherited = {**send, "answers": table.get("answers", {})}
        calls[name] = _Reader(at, own, values, settings, report, inherited).call(name)
    if not calls:
        report(("send",), "missing; it says where requests go")
    return calls


class _Reader:
    """Reads the table of one call, with keys that it inherits from others."""

    def __init__(
        self,
        at: Path,
        own: dict[str, Any],
        values: Values,
        settings: Mapping[str, str],
        report: Report,
        inherited: dict[str, Any],
    ) -> None:
        self._at = at
        self._own = own
        self._values = values
        self._settings = settings
        self._report = report
        self._table = {**inherited, **own}

    def call(self, name: str) -> Call:
        for key in self._own:
            if key not in _KEYS:
                self._report((*self._at, key), f"unknown{suggest(key, _KEYS)}")
        method = self._table.get("method", "POST")
        if method not in _METHODS:
            self._report(self._place("method"), f"expected one of {', '.join(_METHODS)}")
        items = self._table.get("items")
        if not isinstance(items, str | None) or items == "":
            self._report(self._place("items"), 'expected the name of a member of the body, or "."')
            items = None
        steps = () if items == _WHOLE_BODY else items
        form = self._table.get("form", False)
        if not isinstance(form, bool) or (form and not steps):
            self._report(
                self._place("form"), "expected true or false; the items of a form are in one of its fields"
            )
        return Call(
            name,
            str(method),
            self._url(),
            {key: str(value) for key, value in self._constants("query").items()},
            {
                **(_FORM if form else {}),
                **{key: str(value) for key, value in self._constants("headers").items()},
            },
            bool(form),
            self._constants("body"),
            tuple(steps.split(".")) if isinstance(steps, str) else steps,
            self._values.compile(self._table["unique"], self._place("unique"))
            if "unique" in self._table
            else ABSENT,
            self._values.compile(self._table.get("envelope", {}), self._place("envelope")),
            self._object("common"),
            self._limits(),
            Answers(self._object("answers"), self._place("answers"), self._report),
        )

    def _url(self) -> str:
        url = self._table.get("url")
        if isinstance(url, str):
            try:
                return fill(url, self._settings)
            except ValueError as error:
                self._report(self._place("url"), str(error))
                return ""
        value = self._values.compile(url, self._place("url"))
        if isinstance(value, Constant) and isinstance(value.value, str):
            return value.value
        self._report(self._place("url"), "expected an address, in which {name} stands for a setting")
        return ""

    def _constants(self, key: str) -> dict[str, Any]:
        """Return an object that no event changes."""
        value = self._values.compile(self._object(key), self._place(key))
        if isinstance(value, Constant):
            return cast(dict[str, Any], value.value or {})
        self._report(
            self._place(key), "must hold constants and settings only; events make envelope and common"
        )
        return {}

    def _object(self, key: str) -> dict[str, Any]:
        found = self._table.get(key, {})
        if isinstance(found, dict):
            return found
        self._report(self._place(key), "expected a table")
        return {}

    def _limits(self) -> Limits:
        found: dict[str, float] = {}
        parsers: dict[str, Any] = {
            "items": _whole_number,
            "bytes": _whole_number,
            "item_bytes": _whole_number,
            "max_age": Duration.parse,
            "max_future": Duration.parse,
            "rate": Rate.parse,
        }
        for key, raw in self._object("limits").items():
            at = (*self._place("limits"), key)
            if key not in parsers:
                self._report(at, f"unknown{suggest(key, parsers)}")
                continue
            value = self._values.compile(raw, at) if isinstance(raw, dict) else Constant(raw)
            try:
                found[key] = parsers[key](value.value if isinstance(value, Constant) else None)
            except ValueError as error:
                self._report(at, str(error))
        return Limits(**found)  # type: ignore[arg-type]  # each parser returns what its field has

    def _place(self, key: str) -> Path:
        """Return where a key is written: in the call's own table, in [send], or at the top level."""
        if key in self._own or (self._at == (DEFAULT,) and key not in self._table):
            return (*self._at, key)
        return (key,) if key in ("envelope", "common", "answers") else (DEFAULT, key)


def _whole_number(value: object) -> int:
    """Return a limit. Raises ValueError."""
    number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 19 else value
    if type(number) is not int or number < 1:
        raise ValueError(f"expected a whole number of at least 1, got {value!r}")
    return number
