"""The names that Commanders Act's fields have in the canonical event; all others keep their own."""

from typing import Any

from gateway.dialects.commandersact.versions import Fields
from gateway.message import Message
from gateway.raw import values

TRAITS = {"firstname": "firstName", "lastname": "lastName", "birthdate": "birthday"}
"""From `user` to `context.traits`."""

ADDRESS = {
    "street": "street",
    "city": "city",
    "zipcode": "postalCode",
    "state": "state",
    "country": "country",
}
"""From `user` to `context.traits.address`."""

CONTEXT = {
    "ip": "ip",
    "user_agent": "userAgent",
    "lang": "locale",
    "timezone": "timezone",
    "screen": "screen",
    "os": "os",
    "network": "network",
}
"""From `context.device` to `context`."""

DEVICE = {"sdk_id": "id", "advertising_id": "advertisingId", "ad_tracking_enabled": "adTrackingEnabled"}
"""From `context.device` to the canonical `context.device`."""

CANONICAL_TRAITS = frozenset((*TRAITS.values(), "address"))
"""Names that the way back would mistake for translated ones if `user` itself had them."""


def to_traits(user: Fields) -> dict[str, Any]:
    """Return a user's fields under their canonical names."""
    traits: dict[str, Any] = {}
    for name, value in user.items():
        if name in ADDRESS and "address" not in user:
            traits.setdefault("address", {})[ADDRESS[name]] = value
        else:
            traits[TRAITS.get(name, name)] = value
    return traits


def set_name(message: Message, name: str | None, properties: Fields) -> None:
    """Set the event's name; a `page_view` is a page or, in an app, a screen. The channel must be set."""
    if name != "page_view":
        message.event = name
        return
    message.type = "screen" if message.channel == "mobile" else "page"
    message.name = values.find_text(properties.get("page_name"))
    message.category = values.find_text(properties.get("page_type")) or values.find_text(
        properties.get("type")
    )
