"""Names in which `*` stands for any characters, as used in filters and mappings."""

import re
from collections.abc import Iterable


def compile(names: Iterable[str]) -> re.Pattern[str]:
    """
    Return a regular expression whose `fullmatch` accepts the texts that match one of the names.

    Its time grows only with the text, however many `*` a name has: what is between two of them is matched at
    its first place, and no other place is tried.
    """
    return re.compile("|".join(map(_pattern, names)), re.DOTALL)


def _pattern(name: str) -> str:
    first, *others = map(re.escape, name.split("*"))
    if not others:
        return first
    *between, last = others
    return first + "".join(f"(?>.*?{part})" for part in between) + f".*{last}"
