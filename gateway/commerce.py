"""
Translate e-commerce events between the vocabularies of Commanders Act and Segment: one table, read both ways.

https://segment.com/docs/connections/spec/ecommerce/v2/, and Commanders Act's reference of e-commerce events.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, UnsetType

from gateway.raw import objects
from gateway.sources import Vocabulary

# Each table maps Commanders Act's name to Segment's.
EVENTS = {
    "purchase": "Order Completed",
    "refund": "Order Refunded",
    "begin_checkout": "Checkout Started",
    "add_payment_info": "Payment Info Entered",
    "add_to_cart": "Product Added",
    "remove_from_cart": "Product Removed",
    "view_item": "Product Viewed",
    "view_item_list": "Product List Viewed",
    "select_item": "Product Clicked",
    "view_cart": "Cart Viewed",
    "add_to_wishlist": "Product Added to Wishlist",
    "view_promotion": "Promotion Viewed",
    "select_promotion": "Promotion Clicked",
    "search": "Products Searched",
    "sign_up": "Signed Up",
    "login": "Signed In",
}
PROPERTIES = {
    "id": "order_id",
    "value": "total",
    "shipping_amount": "shipping",
    "tax_amount": "tax",
    "search_term": "query",
}
ITEM = {
    "id": "sku",
    "list_position": "position",
    "quantity": "quantity",
    "variant": "variant",
    "discount": "discount",
    "affiliation": "affiliation",
    "coupon": "coupon",
}
"""The fields of an item itself; Segment's spec puts them in one object with those of its product."""
PRODUCT = {"id": "product_id", "category_1": "category"}

OF_ONE_PRODUCT = frozenset(
    ("Product Added", "Product Removed", "Product Viewed", "Product Clicked", "Product Added to Wishlist")
)
"""
Segment's events about a single product, whose fields are properties of the event. If Commanders Act's
event has several items, they become `products`, as in other events.
"""
_PRODUCT_PROPERTIES = frozenset(
    ("product_id", "sku", "name", "price", "brand", "category", "variant", "quantity", "position")
)
"""Properties of such an event that describe its product."""

_FROM_EVENTS, _FROM_PROPERTIES, _FROM_ITEM, _FROM_PRODUCT = (
    {segment: name for name, segment in table.items()} for table in (EVENTS, PROPERTIES, ITEM, PRODUCT)
)

_Fields = dict[str, Raw]
_objects = msgspec.json.Decoder(list[dict[str, Raw]]).decode


class _View(msgspec.Struct):
    properties: Raw
    event: str | UnsetType = msgspec.UNSET


_view = msgspec.json.Decoder(_View).decode


def translate(line: bytes, vocabulary: Vocabulary) -> bytes:
    """
    Return a canonical line in a vocabulary. An event that already uses it, or is not an e-commerce event, is
    returned unchanged.
    """
    event = _view(line)
    if isinstance(event.event, UnsetType):
        return line
    translated = translate_fields(event.event, event.properties, vocabulary)
    if translated is None:
        return line
    name, properties = translated
    return objects.write({**objects.read(line), "event": name, "properties": properties})


def translate_fields(name: str, properties: Raw, vocabulary: Vocabulary) -> tuple[str, Raw] | None:
    """Translate an event's name and properties; None if not an e-commerce event, or already translated."""
    if vocabulary == "segment":
        new, translated = EVENTS.get(name), _to_segment
    else:
        new, translated = _FROM_EVENTS.get(name), _to_commandersact
    if new is None:
        return None
    return new, Raw(objects.write(translated(objects.read(properties), new)))


def _to_segment(properties: _Fields, name: str) -> dict[str, Any]:
    found: dict[str, Any] = _rename(properties, PROPERTIES)
    products = _each(properties.get("items"), _to_product)
    if products is None:
        return found
    if name in OF_ONE_PRODUCT and len(products) == 1 and products[0].keys().isdisjoint(found):
        del found["items"]
        return found | products[0]
    return _replace(found, "items", "products", products)


def _to_product(item: _Fields) -> _Fields:
    product = objects.fields(item.get("product"))
    rest = {field: value for field, value in item.items() if field != "product" or product is None}
    return _rename(product or {}, PRODUCT) | _rename(rest, ITEM)


def _to_commandersact(properties: _Fields, name: str) -> dict[str, Any]:
    found: dict[str, Any] = _rename(properties, _FROM_PROPERTIES)
    items = _each(properties.get("products"), _to_item)
    if items is not None:
        return _replace(found, "products", "items", items)
    if EVENTS[name] in OF_ONE_PRODUCT and not _PRODUCT_PROPERTIES.isdisjoint(properties):
        product = {field: value for field, value in properties.items() if field in _PRODUCT_PROPERTIES}
        rest = {field: value for field, value in found.items() if field not in _PRODUCT_PROPERTIES}
        return {**rest, "items": [_to_item(product)]}
    return found


def _to_item(product: _Fields) -> dict[str, Any]:
    own = {field: value for field, value in product.items() if field in _FROM_ITEM}
    rest = {field: value for field, value in product.items() if field not in _FROM_ITEM}
    return {**_rename(own, _FROM_ITEM), "product": _rename(rest, _FROM_PRODUCT)}


def _rename(fields: _Fields, names: Mapping[str, str]) -> _Fields:
    """Return fields under their new names; one whose new name is taken already keeps the old one."""
    renamed = {}
    for name, value in fields.items():
        new = names.get(name, name)
        renamed[name if new in fields else new] = value
    return renamed


def _replace(fields: dict[str, Any], old: str, new: str, value: Any) -> dict[str, Any]:
    """Return fields with one of them renamed and given another value, in the same place."""
    return {(new if name == old else name): (value if name == old else kept) for name, kept in fields.items()}


def _each(
    array: Raw | None, translated: Callable[[_Fields], dict[str, Any]]
) -> Sequence[dict[str, Any]] | None:
    """Return the translated objects of an array; None if it is anything but an array of objects."""
    try:
        return [translated(fields) for fields in _objects(array or b"null")]
    except msgspec.ValidationError:
        return None
