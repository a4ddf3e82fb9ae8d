"""/openapi.json: all routes in OpenAPI 3.1, made from the Operations of dialects and services."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.dialects.base import Dialect
from gateway.message import ADDED
from gateway.operation import Fragment, Operation, Reply
from gateway.services.app import DescribedRoute

_INFO = {
    "title": "Event gateway",
    "version": "1",
    "description": (
        "All paths also work without `/v1`, and with doubled or trailing slashes. All answer OPTIONS and "
        "cross-origin requests. Bodies of events are read as JSON, whatever their Content-Type; gzip and "
        "deflate are decompressed. Malformed requests and unsupported methods get the same error body."
    ),
}
_COMPONENTS = "#/components/schemas/"

_DESCRIPTION = Operation(
    summary="This description",
    replies={200: Reply("OpenAPI 3.1.", [{"type": "object", "required": ["openapi", "info", "paths"]}])},
)


def describe(
    dialects: Mapping[str, Dialect],
    services: Sequence[DescribedRoute],
    *,
    info: Fragment = _INFO,
    tag: str = "services",
    exact: bool = False,
) -> DescribedRoute:
    """
    Return the route that describes dialects, services and itself; the description is made once, now.

    `exact` says that bodies are read exactly as their Structs define.
    """

    async def show(_: Request) -> Response:
        return Response(document, media_type="application/json")

    route = DescribedRoute("/openapi.json", show, {"GET": _DESCRIPTION})
    all_routes = [*_of_dialects(dialects), *_of_services([*services, route], tag)]
    document = msgspec.json.encode(_document(all_routes, info, exact))
    return route


Schema = dict[str, Any]

Route = tuple[str, str, str, Operation]
"""Path, method, tag, and what it does."""


def _of_dialects(dialects: Mapping[str, Dialect]) -> Iterable[Route]:
    for name, dialect in dialects.items():
        for path in dialect.PATHS:
            for method in dialect.METHODS:
                yield path, method, name, dialect.describe(method, path)


def _of_services(services: Iterable[DescribedRoute], tag: str) -> Iterable[Route]:
    for route in services:
        for method, operation in route.operations.items():
            yield route.path_format, method, tag, operation


def _document(routes: Sequence[Route], info: Fragment, exact: bool) -> dict[str, Any]:
    tidy = _strip if exact else _loosen
    schemas = _Schemas((operation for _, _, _, operation in routes), tidy)
    paths: dict[str, Any] = {}
    schemes: dict[str, Any] = {}
    for path, method, tag, operation in routes:
        schemes.update(operation.security)
        paths.setdefault(path, {})[method.lower()] = {"tags": [tag], **_operation(operation, schemas)}
    components = {"schemas": schemas.components, "securitySchemes": schemes}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": components}


class _Schemas:
    """The schemas of all shapes. Each Struct's schema is written once, as a component."""

    def __init__(self, operations: Iterable[Operation], tidy: Callable[[Schema], Schema]) -> None:
        all_shapes = [
            shape
            for operation in operations
            for shapes in (operation.shapes, *(reply.shapes for reply in operation.replies.values()))
            for shape in shapes
        ]
        types = list({shape: None for shape in all_shapes if not isinstance(shape, Mapping)})
        found, components = msgspec.json.schema_components(types, ref_template=_COMPONENTS + "{name}")
        self._by_type = dict(zip(types, found, strict=True))
        loosened = {name: tidy(schema) for name, schema in components.items()}
        text = msgspec.json.encode([found, loosened]).decode()
        self.components = {
            name: schema for name, schema in loosened.items() if f'{_COMPONENTS}{name}"' in text
        }

    def one_of(self, shapes: Sequence[Any]) -> dict[str, Any]:
        """Return the media type object of a body that has one of these shapes."""
        found = [shape if isinstance(shape, Mapping) else self._by_type[shape] for shape in shapes]
        return {"schema": found[0] if len(found) == 1 else {"anyOf": found}}


def _strip(schema: Schema) -> Schema:
    """Return a Struct's schema without the docstring, which is for maintainers."""
    return {key: value for key, value in schema.items() if key not in ("title", "description")}


def _loosen(schema: Schema) -> Schema:
    """
    Return a Struct's schema as clients need it.

    A Struct that forbids unknown fields does so to hand such bodies over to dialects/shared/slow_path.py,
    which accepts other fields, and numbers in place of texts. So does the schema.
    """
    schema = _strip(schema)
    if schema.pop("additionalProperties", True):
        return schema
    fields = {name: field for name, field in schema["properties"].items() if name not in ADDED}
    return {**schema, "properties": {name: _loosen_text(field) for name, field in fields.items()}}


def _loosen_text(field: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" not in field:
        return field
    longest = [option["maxLength"] for option in field["anyOf"] if "maxLength" in option]
    return {"type": ["string", "number", "null"], **({"maxLength": longest[0]} if longest else {})}


def _operation(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "responses": {str(status): _reply(reply, schemas) for status, reply in operation.replies.items()},
    }
    if operation.description:
        described["description"] = operation.description
    if operation.parameters:
        described["parameters"] = operation.parameters
    if operation.security:
        described["security"] = [{name: []} for name in operation.security] + [{}] * operation.anonymous
    if operation.shapes:
        content = {**schemas.one_of(operation.shapes), "examples": operation.examples}
        described["requestBody"] = {"required": True, "content": {operation.content_type: content}}
    return described


def _reply(reply: Reply, schemas: _Schemas) -> dict[str, Any]:
    content = schemas.one_of(reply.shapes) if reply.shapes else {}
    described: dict[str, Any] = {"description": reply.description, "content": {reply.content_type: content}}
    if reply.headers:
        described["headers"] = reply.headers
    return described
