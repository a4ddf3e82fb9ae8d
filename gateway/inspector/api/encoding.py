"""The JSON of answers: a field without a value is absent rather than null."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response


def to_json(value: Any, status: int = 200) -> Response:
    """Return the response to a question, without the fields of Structs that are None."""
    return Response(msgspec.json.encode(present(value)), status, media_type="application/json")


def present(value: Any) -> Any:
    """Return a value with its Structs as objects without their None fields; JSON in it stays as it is."""
    if isinstance(value, msgspec.Struct):
        return {
            field.encode_name: present(found)
            for field in msgspec.structs.fields(value)
            if (found := getattr(value, field.name)) is not None
        }
    if isinstance(value, list | tuple):
        return [present(each) for each in value]
    if isinstance(value, Mapping):
        return {key: present(each) for key, each in value.items()}
    return value
