"""What one route takes and how it answers, as each dialect and page says it of itself for /openapi.json."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

Fragment = Mapping[str, Any]
"""A piece of an OpenAPI 3.1 document, as it is to stand there."""

Shape = type | Fragment
"""Of a body: a Struct, a list of them, or a JSON schema where nothing is decoded by a type."""


class Reply(msgspec.Struct, frozen=True):
    """The answer with one status."""

    description: str
    shapes: Sequence[Any] = ()
    """Its body is one of these `Shape`s; of none, it is no JSON."""
    headers: Fragment = {}
    content_type: str = "application/json"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path."""

    summary: str
    replies: Mapping[int, Reply]
    description: str = ""
    parameters: Sequence[Fragment] = ()
    security: Fragment = {}
    """The schemes by which a client can say who it is, by name; one of them is enough."""
    anonymous: bool = False
    """Whether it may also do without, as where the key is in the body."""
    shapes: Sequence[Any] = ()
    """The body is one of these `Shape`s; of none, there is none."""
    examples: Fragment = {}
    content_type: str = "application/json"


def query(name: str, description: str, *, required: bool = False, example: str = "") -> Fragment:
    """A parameter that is a text."""
    found = {"name": name, "in": "query", "description": description, "required": required}
    return {**found, "schema": {"type": "string"}, **({"example": example} if example else {})}


def fields(description: str, example: Fragment) -> Fragment:
    """All other parameters of a query, whatever they are called."""
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    found = {"name": "fields", "in": "query", "description": description, "style": "form", "explode": True}
    return {**found, "schema": texts, "example": example}


def header(description: str, type: str = "string", *, always: bool = False) -> Fragment:
    """A header of an answer."""
    return {"description": description, "required": always, "schema": {"type": type}}


def examples(**values: Any) -> Fragment:
    return {name: {"value": value} for name, value in values.items()}
