"""
Replace references to the environment in the texts of a configuration, written as in a shell.

`${NAME}` is a variable that must be set, `${NAME:-default}` may be unset or empty, and `${NAME:?}` must be
neither; text after the question mark is the error's text. `$$` is a dollar sign. Any other `$` is a mistake:
a shell would replace some of them, and a reader cannot tell which.
"""

import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"\$(?:\$|\{([A-Za-z_]\w*)(?::([-?])([^${}\n]*))?\})?", re.ASCII)
_FORMS = 'a "$" must begin "${NAME}", "${NAME:-default}" or "${NAME:?}"; a dollar sign is "$$"'


def fill(value: Any, environment: Mapping[str, str], *, paths: bool = False) -> Any:
    """
    Return a value of a TOML file with all references in its texts replaced.

    With `paths`, texts are paths into a webhook's body: a `$` not before a brace belongs to the path.
    Raises ValueError if a variable is missing or a `$` begins none of the forms; of the text, it repeats only
    the names of variables, since the text may be a secret.
    """
    if isinstance(value, list):
        return [fill(each, environment, paths=paths) for each in value]
    if isinstance(value, dict):
        return {key: fill(each, environment, paths=paths) for key, each in value.items()}
    if not isinstance(value, str):
        return value

    def replace(found: re.Match[str]) -> str:
        name, form, rest = found.groups()
        if name:
            return _look_up(name, form, rest, environment)
        if paths and value[found.end() : found.end() + 1] != "{":
            return found[0]
        if found[0] == "$$":
            return "$"
        raise ValueError(_FORMS)

    return _REFERENCE.sub(replace, value)


def _look_up(name: str, form: str | None, rest: str, environment: Mapping[str, str]) -> str:
    found = environment.get(name)
    if form is None:
        if found is None:
            raise ValueError(f"${{{name}}} is not set in the environment")
        return found
    if form == "-":
        return found or rest
    if not found:
        text = f": {rest}" if rest else " is not set in the environment, or empty"
        raise ValueError(f"${{{name}}}{text}")
    return found
