"""
Enrichment: add to an event's products the properties that only the catalogue has.

Products are found by `properties.items[].product.id` (Commanders Act) and
`properties.products[].product_id` (Segment).
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from msgspec import Raw

from gateway.commerce import PRODUCT
from gateway.event import Origin
from gateway.postgresql.place import Place
from gateway.raw import objects, values
from gateway.records.base import Catalogue
from gateway.records.places import open_catalogue

log = structlog.get_logger()

_MAX_CACHED_PRODUCTS = 50_000
_PROPERTIES = b'"properties":'
"""The first occurrence in a canonical line is the key: only strings, with escaped quotes, precede it."""


class _Item(msgspec.Struct):
    product: Raw = Raw(b"null")


class _Lists(msgspec.Struct):
    items: list[_Item] = []
    products: list[Raw] = []


class _View(msgspec.Struct):
    properties: _Lists
    source: Origin


class _OnlyProperties(msgspec.Struct):
    properties: Raw


_decode_view = msgspec.json.Decoder(_View).decode
_decode_properties = msgspec.json.Decoder(_OnlyProperties).decode
_objects = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_entries = msgspec.json.Decoder(list[Raw]).decode


class Enricher:
    """
    Enriches the events of sites that have a catalogue. Not thread-safe.

    Products are cached until the catalogue changes.
    """

    def __init__(self, products: Place) -> None:
        self._catalogue = open_catalogue(products)
        self._last_error = ""
        self._version: object = None
        self._cache: dict[tuple[str, str, bytes], bytes] = {}

    def enrich(self, lines: list[bytes]) -> list[bytes]:
        """
        Return the same events in order, with missing product properties added.

        If the catalogue's file cannot be read, for example because it is locked, the events are returned
        unchanged and the error is logged once. Raises StateUnavailable if it is in a database that cannot be
        read.
        """
        try:
            return self._enrich_all(lines)
        except OSError as error:
            if str(error) != self._last_error:
                log.warning("catalogue unavailable, events delivered without enrichment", error=str(error))
            self._last_error = str(error)
            self._catalogue.close()
            return lines

    def _enrich_all(self, lines: list[bytes]) -> list[bytes]:
        version = self._catalogue.version()
        if version is None:
            return lines
        if version != self._version or len(self._cache) > _MAX_CACHED_PRODUCTS:
            self._version = version
            self._cache.clear()
        found = [self._enrich_line(line) if line.find(b'"product') > 0 else line for line in lines]
        if self._last_error:
            log.info("catalogue available again")
        self._last_error = ""
        return found

    def _enrich_line(self, line: bytes) -> bytes:
        try:
            view = _decode_view(line)
        except msgspec.ValidationError:
            return line  # `items` or `products` has a different type
        site, lists = view.source.site_id, view.properties
        if not site:
            return line
        items = [bytes(item.product) for item in lists.items]
        of_items = self._changes(site, "id", items) if items else {}
        products = [bytes(product) for product in lists.products]
        of_products = self._changes(site, "product_id", products) if products else {}
        if not of_items and not of_products:
            return line
        if items and products:
            return _replace_in_decoded(line, of_items, of_products)
        return _replace_products(line, items or products, of_items or of_products)

    def _changes(self, site: str, key: str, products: list[bytes]) -> dict[bytes, bytes]:
        """Return a map from each product that the catalogue extends to the extended product."""
        changes = {}
        for product in products:
            full = self._cache.get((site, key, product))
            if full is None:
                full = self._cache[site, key, product] = _look_up(self._catalogue, site, key, product)
            if full != product:
                changes[product] = full
        return changes


def _look_up(catalogue: Catalogue, site: str, key: str, product: bytes) -> bytes:
    """Return a product with the properties of the catalogue added."""
    fields = objects.fields(Raw(product))
    id = values.find_label(fields.get(key)) if fields else None
    found = catalogue.find(site, id) if id else None
    if not fields or not found:
        return product
    names: Mapping[str, str] = PRODUCT if key == "product_id" else {}
    known = {names.get(name, name): value for name, value in objects.read(found).items()}
    missing = {name: value for name, value in known.items() if name not in fields}
    return objects.write(fields | missing) if missing else product


def _replace_products(line: bytes, products: list[bytes], changes: Mapping[bytes, bytes]) -> bytes:
    """
    Return the line with its products replaced by text search, in a fifth of the time that decoding takes.

    If the text of a product also occurs elsewhere in the line, the line is decoded.
    """
    new = line
    for product, full in changes.items():
        parts = new.split(product)
        if len(parts) - 1 != products.count(product):
            return _replace_in_decoded(line, changes, changes)
        new = full.join(parts)
    return new


def _replace_in_decoded(
    line: bytes, of_items: Mapping[bytes, bytes], of_products: Mapping[bytes, bytes]
) -> bytes:
    def replacement(product: Raw, changes: Mapping[bytes, bytes]) -> Raw:
        return Raw(changes.get(bytes(product), bytes(product)))

    old = _decode_properties(line).properties
    properties: dict[str, Any] = dict(objects.read(old))
    if "items" in properties:
        items = _objects(properties["items"])
        for item in items:
            if "product" in item:
                item["product"] = replacement(item["product"], of_items)
        properties["items"] = items
    if "products" in properties:
        properties["products"] = [
            replacement(product, of_products) for product in _entries(properties["products"])
        ]
    start = line.index(_PROPERTIES) + len(_PROPERTIES)
    return line[:start] + objects.write(properties) + line[start + len(bytes(old)) :]
