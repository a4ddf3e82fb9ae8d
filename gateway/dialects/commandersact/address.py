"""The parts of a page's address, as browsers call them."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway import remembered
from gateway.raw import objects


class Parts(msgspec.Struct, frozen=True, gc=False):
    """The parts of a URL, each as JSON; UNSET for a part that the URL does not have."""

    path: Raw | UnsetType = UNSET
    search: Raw | UnsetType = UNSET
    hash: Raw | UnsetType = UNSET
    places: tuple[str, ...] = ()
    """The fields of the canonical event that hold the parts of a URL."""


_NO_PARTS = Parts()


# A site's visitors read the same pages: 0.1 µs instead of 2.
@remembered.of_short(1024, 1024)
def split(url: str) -> Parts:
    """Return the path, search and hash of an absolute address; for any other text, no parts."""
    rest, _, fragment = url.partition("#")
    rest, _, query = rest.partition("?")
    host = rest.partition("://")[2]
    if not host:
        return _NO_PARTS
    found = {"path": "/" + host.partition("/")[2]}
    if query:
        found["search"] = f"?{query}"
    if fragment:
        found["hash"] = f"#{fragment}"
    written = {name: Raw(objects.write(part)) for name, part in found.items()}
    return Parts(**written, places=tuple(f"context.page.{name}" for name in found))
