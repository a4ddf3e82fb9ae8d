"""Names in which `*` stands for any characters, as filters and mappings have them."""

import re
from collections.abc import Iterable


def compile(names: Iterable[str]) -> re.Pattern[str]:
    """
    Return the regular expression whose `fullmatch` finds the texts that one of the names stands for.

    It takes time that grows with the text, however many `*` a name has: what stands between two of them is
    found at its first place, and no other one is tried.
    """
    return re.compile("|".join(map(_pattern, names)), re.DOTALL)


def _pattern(name: str) -> str:
    first, *others = map(re.escape, name.split("*"))
    if not others:
        return first
    *between, last = others
    return first + "".join(f"(?>.*?{part})" for part in between) + f".*{last}"
