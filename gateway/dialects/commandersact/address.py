"""The parts of a page's address, as browsers call them."""

from functools import lru_cache

from msgspec import Raw

from gateway.raw import objects


@lru_cache(1024)
def parts(url: str) -> list[tuple[str, Raw, str]]:
    """Its path, search and hash, each with its place in the context."""
    rest, _, fragment = url.partition("#")
    rest, _, query = rest.partition("?")
    host = rest.partition("://")[2]
    if not host:
        return []
    found = {"path": "/" + host.partition("/")[2]}
    if query:
        found["search"] = f"?{query}"
    if fragment:
        found["hash"] = f"#{fragment}"
    return [(name, Raw(objects.write(part)), f"context.page.{name}") for name, part in found.items()]
