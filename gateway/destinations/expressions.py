"""
Regular expressions for untrusted texts: those that could take long are refused for their structure.

Before Python's engine reports that an expression does not match, it has tried every way in which it could:
`(a+)+` can match n characters in 2 ** n ways, and `.*x.*y.*z` in n ** 3. This module computes an upper bound
of the steps that a text can cost. A repetition counts as one way if what comes next determines where it ends,
as the point in `([a-z]+\\.)+` does.
"""

import re
from collections.abc import Sequence
from re import _parser  # private; a test covers each of its operations
from typing import Any, NamedTuple

MAX_MATCHED = 1000
"""Characters; a longer text matches no regular expression."""
_MAX_CHARACTERS = 2000
_MAX_STEPS = 5_000_000
"""50 ms. Two unlimited repetitions whose ends nothing determines take 2 million."""
_LARGEST = 10**12
_MAX_RANGE = 256
_IGNORES_CASE = re.compile(r"\(\?[a-zA-Z]*i")
_REPETITIONS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")

_Node = tuple[Any, Any]


class _Set(NamedTuple):
    """Characters, or all but these."""

    codes: frozenset[int]
    all_but: bool = False

    def or_(self, other: "_Set") -> "_Set":
        if self.all_but and other.all_but:
            return _Set(self.codes & other.codes, True)
        if self.all_but or other.all_but:
            most, least = (self, other) if self.all_but else (other, self)
            return _Set(most.codes - least.codes, True)
        return _Set(self.codes | other.codes)

    def meets(self, other: "_Set") -> bool:
        if self.all_but and other.all_but:
            return True
        if self.all_but or other.all_but:
            most, least = (self, other) if self.all_but else (other, self)
            return not least.codes <= most.codes
        return not self.codes.isdisjoint(other.codes)


_NOTHING, _ANYTHING = _Set(frozenset()), _Set(frozenset(), True)
_CATEGORIES = {
    f"CATEGORY_{name}": {code for code in range(128) if re.match(pattern, chr(code), re.ASCII)}
    for name, pattern in (("DIGIT", r"\d"), ("SPACE", r"\s"), ("WORD", r"\w"))
}


class _Cost(NamedTuple):
    """In how many ways a part can match from its beginning, and the steps that they take in total."""

    ways: int
    steps: int


def expression(pattern: Any) -> re.Pattern[str]:
    """Return a regular expression. Raises ValueError, also if a text of MAX_MATCHED could take long."""
    if not isinstance(pattern, str):
        raise ValueError("expected a regular expression")  # noqa: TRY004  # as for every other mistake
    if len(pattern) > _MAX_CHARACTERS:
        raise ValueError(f"expected at most {_MAX_CHARACTERS} characters")
    try:
        found = re.compile(pattern, re.ASCII)
        cost = _Estimate(pattern).sequence(_parser.parse(pattern, re.ASCII), _NOTHING)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"not a regular expression: {error}") from error
    if cost.steps > _MAX_STEPS:
        raise ValueError(
            "can match in too many ways, each of which takes time; end repetitions with +: (a+)*+"
        )
    return found


class _Estimate:
    """The costs of the parts of one expression, as Python's parser sees them."""

    def __init__(self, pattern: str) -> None:
        self._ignores_case = _IGNORES_CASE.search(pattern) is not None

    def sequence(self, nodes: Sequence[_Node], after: _Set) -> _Cost:
        """Return the cost of a part; `after` has the characters that can follow it."""
        ways, steps = 1, 0
        for place, node in enumerate(nodes):
            cost = self._cost(node, self._first(nodes[place + 1 :], after))
            steps = min(_LARGEST, steps + ways * cost.steps)
            ways = min(_LARGEST, ways * cost.ways)
        return _Cost(ways, steps)

    def _cost(self, node: _Node, after: _Set) -> _Cost:
        kind, value = str(node[0]), node[1]
        if kind == "SUBPATTERN":
            if value[1] & re.UNICODE:
                raise ValueError("cannot have (?u:")
            return self.sequence(value[3], after)
        if kind == "ATOMIC_GROUP":
            return _Cost(1, self.sequence(value, after).steps)
        if kind in ("ASSERT", "ASSERT_NOT"):
            return _Cost(1, self.sequence(value[1], _ANYTHING).steps)
        if kind == "BRANCH":
            return self._branch(value[1], after)
        if kind == "GROUPREF_EXISTS":
            return self._branch([value[1], value[2] or []], after)
        if kind in _REPETITIONS:
            least, most, body = value
            return self._repetition(min(least, MAX_MATCHED), min(most, MAX_MATCHED), body, after, kind)
        return _Cost(1, MAX_MATCHED if kind == "GROUPREF" else 1)

    def _branch(self, branches: Sequence[Sequence[_Node]], after: _Set) -> _Cost:
        costs = [self.sequence(each, after) for each in branches]
        firsts = [self._first(each, after) for each in branches]
        is_settled = not any(
            first.meets(other) for place, first in enumerate(firsts) for other in firsts[place + 1 :]
        )
        ways = [cost.ways for cost in costs]
        return _Cost(max(ways) if is_settled else sum(ways), sum(cost.steps for cost in costs))

    def _repetition(self, least: int, most: int, body: Sequence[_Node], after: _Set, kind: str) -> _Cost:
        first = self._first(body, _ANYTHING)
        one = self.sequence(body, first.or_(after))
        if kind == "POSSESSIVE_REPEAT":
            return _Cost(1, min(_LARGEST, most * one.steps))
        if one.ways > 1:
            ways = min(_LARGEST, one.ways**most * (1 if least == most else 2))
            return _Cost(ways, min(_LARGEST, ways * most * one.steps))
        return _Cost(most - least + 1 if first.meets(after) else 1, most * one.steps)

    def _first(self, nodes: Sequence[_Node], after: _Set) -> _Set:
        """Return a superset of the characters that a part can begin with, with `after` if it can be empty."""
        if not nodes:
            return after
        kind, value = str(nodes[0][0]), nodes[0][1]
        rest = nodes[1:]
        if kind == "LITERAL":
            return self._letters({value})
        if kind == "NOT_LITERAL":
            return _Set(frozenset({value}), True)
        if kind == "IN":
            return self._class(value)
        if kind in ("SUBPATTERN", "ATOMIC_GROUP"):
            return self._first(value[3] if kind == "SUBPATTERN" else value, self._first(rest, after))
        if kind == "BRANCH":
            found, behind = _NOTHING, self._first(rest, after)
            for each in value[1]:
                found = found.or_(self._first(each, behind))
            return found
        if kind in _REPETITIONS:
            behind = self._first(rest, after)
            found = self._first(value[2], behind)
            return found if value[0] else found.or_(behind)
        return self._first(rest, after) if kind in ("AT", "ASSERT", "ASSERT_NOT") else _ANYTHING

    def _class(self, items: Sequence[_Node]) -> _Set:
        found: set[int] = set()
        for kind, value in items:
            if str(kind) == "LITERAL":
                found.add(value)
            elif str(kind) == "RANGE" and value[1] - value[0] < _MAX_RANGE:
                found.update(range(value[0], value[1] + 1))
            elif str(kind) == "CATEGORY" and str(value) in _CATEGORIES:
                found |= _CATEGORIES[str(value)]
            elif str(kind) != "NEGATE":
                return _ANYTHING
        return _Set(frozenset(found), True) if str(items[0][0]) == "NEGATE" else self._letters(found)

    def _letters(self, codes: set[int]) -> _Set:
        """Return characters, in upper and lower case if the expression ignores case anywhere."""
        if not self._ignores_case:
            return _Set(frozenset(codes))
        texts = [chr(code) for code in codes]
        return _Set(frozenset(ord(each) for text in texts for each in (text, *text.lower(), *text.upper())))
