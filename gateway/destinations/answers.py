"""What a vendor's answer to a request means, according to the table [answers] of its mapping."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from gateway.destinations.expressions import MAX_MATCHED, expression
from gateway.destinations.grammar import Report
from gateway.destinations.lines import Path
from gateway.destinations.paths import walk

Class = Literal["ok", "retry", "credentials", "refused", "unknown"]
Place = tuple[str, int]
"""An array of a request ("" if it has only one) and an index in it."""

_KEYS = ("ok", "retry", "credentials", "refused", "retry_after")
_STATUS = re.compile(r"[1-5]\d\d|[1-5]xx")
_FORMS = ("errors", "positional", "indexes")
_MAX_DIGITS = 9  # of an index


class Verdict(msgspec.Struct):
    """The meaning of one answer."""

    kind: Class
    """`unknown`: the mapping does not cover the answer; its status decides."""
    culprits: dict[Place, str] = msgspec.field(default_factory=dict)
    """What the vendor says about each item that it names; only for `refused`."""
    stored: bool = False
    """True if the vendor has all items but the culprits."""


class Answers:
    """Judges answers. Mistakes in the table are reported."""

    def __init__(self, raw: Mapping[str, Any], at: Path, report: Report) -> None:
        self._report = report
        for key in raw:
            if key not in _KEYS:
                report((*at, key), f"unknown; expected {', '.join(_KEYS)}")
        self._ok = self._matchers(raw.get("ok"), (*at, "ok"))
        self._retry = self._matchers(raw.get("retry"), (*at, "retry"))
        self._credentials = self._matchers(raw.get("credentials"), (*at, "credentials"))
        self.retry_after = str(raw.get("retry_after", "Retry-After"))
        """The header with the seconds to wait."""
        self._refused = self._form(raw.get("refused", "batch"), (*at, "refused"))

    def judge(self, status: int, body: bytes) -> Verdict:
        """Return what an answer means."""
        try:
            found = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        for kind, matchers in (("credentials", self._credentials), ("retry", self._retry)):
            if any(fits(status, found) for fits in matchers):
                return Verdict(kind)  # type: ignore[arg-type]  # one of the two above
        if self._refused and (named := self._refused(status, found)):
            return named
        if any(fits(status, found) for fits in self._ok):
            return Verdict("ok")
        return Verdict("refused" if self._ok and 200 <= status < 300 else "unknown")

    def _matchers(self, raw: Any, at: Path) -> list[Callable[[int, Any], bool]]:
        if raw is None:
            return []
        if not isinstance(raw, list):
            self._report(at, "expected a list")
            return []
        return [self._matcher(each, (*at, index)) for index, each in enumerate(raw)]

    def _matcher(self, raw: Any, at: Path) -> Callable[[int, Any], bool]:
        given = raw.get("status", []) if isinstance(raw, dict) else None
        if isinstance(given, list) and isinstance(raw.get("body"), str) and isinstance(raw.get("in"), list):
            steps, wanted = tuple(raw["body"].split(".")), raw["in"]
            statuses = [str(each) for each in given]
            return lambda status, body: (
                walk(body, steps) in wanted and (not statuses or _has_status(statuses, status))
            )
        if not _STATUS.fullmatch(str(raw)):
            self._report(at, 'expected a status, "5xx", or {body = "error.code", in = [1, 2]}')
        return lambda status, body: _has_status([str(raw)], status)

    def _form(self, raw: Any, at: Path) -> Callable[[int, Any], Verdict | None] | None:
        if raw == "batch":
            return None
        forms = [each for each in _FORMS if each in raw] if isinstance(raw, dict) else []
        if len(forms) != 1 or raw.get("rest", "stored") not in ("stored", "refused"):
            self._report(at, f'expected "batch", or a table with one of {", ".join(_FORMS)}')
            return None
        try:
            find = {"errors": _errors, "positional": _positional, "indexes": _indexes}[forms[0]](raw)
        except ValueError as error:
            self._report(at, str(error))
            return None
        rest = raw.get("rest")

        def judge(status: int, body: Any) -> Verdict | None:
            try:
                culprits = find(body)
            except _Unnamed:
                return Verdict("refused")
            stored = rest == "stored" if rest else 200 <= status < 300
            return Verdict("refused", culprits, stored) if culprits else None

        return judge


class _Unnamed(Exception):
    """The answer has errors that name no item."""


def _has_status(wanted: list[str], status: int) -> bool:
    return str(status) in wanted or f"{status // 100}xx" in wanted


def _steps(raw: dict[str, Any], key: str, default: str = "") -> tuple[str, ...]:
    text = str(raw.get(key, default))
    return tuple(text.split(".")) if text else ()


def _errors(raw: dict[str, Any]) -> Callable[[Any], dict[Place, str]]:
    """Read a list with an object for each error, which has the index or a text that contains it."""
    errors, index, array, message = (_steps(raw, key) for key in ("errors", "index", "array", "message"))
    try:
        pattern = expression(raw.get("matches", r"(\d+)"))
    except ValueError as error:
        raise ValueError(f"matches: {error}") from error
    if not pattern.groups:
        raise ValueError("matches: expected a group around the index, such as (\\d+)")

    def find(body: Any) -> dict[Place, str]:
        culprits: dict[Place, str] = {}
        entries = walk(body, errors)
        for entry in entries if isinstance(entries, list) else []:
            place = walk(entry, index)
            found = pattern.search(str(place)[:MAX_MATCHED]) if place is not None and index else None
            number = found[1] if found else None
            if not number or not number.isdecimal() or len(number) > _MAX_DIGITS:
                raise _Unnamed
            key = (str(walk(entry, array) or "") if array else "", int(number))
            culprits[key] = _words(walk(entry, message) if message else entry)
        return culprits

    return find


def _positional(raw: dict[str, Any]) -> Callable[[Any], dict[Place, str]]:
    """Read a list that has each item's outcome at the item's index."""
    results, status, message = _steps(raw, "positional"), _steps(raw, "status"), _steps(raw, "message")
    good = raw.get("ok", [])
    if not isinstance(good, list):
        raise ValueError("ok: expected a list")  # noqa: TRY004  # as for every other mistake

    def find(body: Any) -> dict[Place, str]:
        entries = walk(body, results)
        return {
            ("", place): _words(walk(entry, message) if message else entry)
            for place, entry in enumerate(entries if isinstance(entries, list) else [])
            if walk(entry, status) not in good
        }

    return find


def _indexes(raw: dict[str, Any]) -> Callable[[Any], dict[Place, str]]:
    """Read lists of indexes, or objects with such lists by field."""
    if not isinstance(raw["indexes"], list):
        raise ValueError("indexes: expected a list of paths")  # noqa: TRY004  # as for every other mistake
    places = [(name, tuple(str(name).split("."))) for name in raw["indexes"]]

    def find(body: Any) -> dict[Place, str]:
        culprits: dict[Place, str] = {}
        for name, steps in places:
            found = walk(body, steps)
            lists = found.items() if isinstance(found, dict) else [("", found)]
            for field, numbers in lists:
                for number in numbers if isinstance(numbers, list) else []:
                    if type(number) is int:
                        culprits.setdefault(("", number), f"{name}: {field}" if field else name)
        return culprits

    return find


def _words(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()[:400]
