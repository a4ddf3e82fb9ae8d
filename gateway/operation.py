"""The description of one route for /openapi.json: what it accepts, and how it answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

Fragment = Mapping[str, Any]
"""A part of an OpenAPI 3.1 document, verbatim."""

Shape = type | Fragment
"""The shape of a body: a Struct, a list of Structs, or a JSON schema if no type decodes it."""


class Reply(msgspec.Struct, frozen=True):
    """The answer with one status."""

    description: str
    shapes: Sequence[Any] = ()
    """The body is one of these `Shape`s; empty: it is not JSON."""
    headers: Fragment = {}
    content_type: str = "application/json"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path."""

    summary: str
    replies: Mapping[int, Reply]
    description: str = ""
    parameters: Sequence[Fragment] = ()
    security: Fragment = {}
    """The security schemes by name; a client needs one of them."""
    anonymous: bool = False
    """True if a client needs none, for example because the key is in the body."""
    shapes: Sequence[Any] = ()
    """The body is one of these `Shape`s; empty: there is no body."""
    examples: Fragment = {}
    content_type: str = "application/json"


def query(name: str, description: str, *, required: bool = False, example: str = "") -> Fragment:
    """Return a text parameter of the query."""
    found = {"name": name, "in": "query", "description": description, "required": required}
    return {**found, "schema": {"type": "string"}, **({"example": example} if example else {})}


def fields(description: str, example: Fragment) -> Fragment:
    """Return the parameter that stands for all other query parameters, whatever their names."""
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    found = {"name": "fields", "in": "query", "description": description, "style": "form", "explode": True}
    return {**found, "schema": texts, "example": example}


def header(description: str, type: str = "string", *, always: bool = False) -> Fragment:
    """Return a header of an answer."""
    return {"description": description, "required": always, "schema": {"type": type}}


def examples(**values: Any) -> Fragment:
    """Return examples of a body, by name."""
    return {name: {"value": value} for name, value in values.items()}
