"""Functions that remember results, except for long texts, with which strangers could fill the memory."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

_Text = TypeVar("_Text", str, bytes)
_T = TypeVar("_T")


def of_short(longest: int, results: int) -> Callable[[Callable[[_Text], _T]], Callable[[_Text], _T]]:
    """Remember the last `results` results of a function of one text of at most `longest` characters."""

    def decorate(function: Callable[[_Text], _T]) -> Callable[[_Text], _T]:
        remember = lru_cache(results)(function)

        @wraps(function)
        def call(text: _Text) -> _T:
            return (remember if len(text) <= longest else function)(text)

        return call

    return decorate
