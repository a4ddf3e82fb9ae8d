"""The functions by name, and how one is bound to its arguments: `slice:0:36`, `phone_digits:DE`."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.destinations.functions import browser, identity, numbers, texts

FUNCTIONS: dict[str, Callable[..., Any]] = {
    each.__name__.removesuffix("_"): each
    for each in (
        *(texts.trim, texts.lower, texts.upper, texts.digits, texts.no_space, texts.no_punct, texts.text),
        *(texts.slice, texts.snake, texts.name, texts.prefix, texts.escape, texts.base64, texts.json),
        *(texts.host, texts.path, texts.cut, texts.wrap, texts.mrkdwn),
        *(identity.sha256, identity.email, identity.gmail, identity.phone_digits, identity.e164),
        *(identity.plain, identity.valid_phone),
        *(identity.state, identity.country, identity.zip, identity.yyyymmdd, identity.gender),
        *(numbers.number, numbers.int_, numbers.time_s, numbers.time_ms, numbers.time_us, numbers.iso),
        *(numbers.date, numbers.uuid5, numbers.id36, numbers.ulid, numbers.event_ulid),
        *(browser.cookie, browser.query, browser.ga_client, browser.ga_session, browser.fbc),
    )
}
"""A function whose first parameter is a text gets only texts, with numbers written as texts."""


class Bound(NamedTuple):
    """A function with its arguments."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    of_text: bool
    """True if it must be called with a text."""
    returns: Any
    """The types that it returns; an empty text counts as absent."""

    def __call__(self, value: Any) -> Any:
        """Return the result of the function for a value of any type."""
        if self.of_text and not isinstance(value, str):
            value = as_text(value)
        return None if value is None else self.function(value, *self.arguments)


def bind(written: str) -> Bound:
    """
    Return a function with its arguments, as a mapping writes it.

    Raises LookupError if there is no function of that name, and ValueError for unsuitable arguments.
    """
    name, _, rest = written.partition(":")
    function = FUNCTIONS[name]
    signature = inspect.signature(function)
    first, *parameters = signature.parameters.values()
    # The last argument may contain colons: a form of `date`.
    given = rest.split(":", len(parameters) - 1) if ":" in written and parameters else []
    required = sum(each.default is each.empty for each in parameters)
    if len(given) < required or (":" in written and not parameters):
        raise ValueError(f"{name} needs {', '.join(each.name for each in parameters) or 'no arguments'}")
    arguments = []
    for parameter, text in zip(parameters, given, strict=False):
        try:
            arguments.append(parameter.annotation(text))
        except ValueError:
            raise ValueError(f"{name}: {parameter.name} must be a number, got {text!r}") from None
    return Bound(function, tuple(arguments), first.annotation is str, signature.return_annotation)


def as_text(value: Any) -> str | None:
    """Return a text, or a number as a text; None for anything else."""
    if isinstance(value, str):
        return value
    return None if isinstance(value, bool) or not isinstance(value, int | float) else _spell(value)


def _spell(value: int | float) -> str:
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return str(int(value) if whole else value)
