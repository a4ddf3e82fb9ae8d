"""What the fields of Commanders Act are called in the canonical event; all others keep their names."""

from typing import Any

from gateway.dialects.commandersact.versions import Fields
from gateway.message import Message
from gateway.raw import values

TRAITS = {"firstname": "firstName", "lastname": "lastName", "birthdate": "birthday"}
"""`user` and `context.traits`."""

ADDRESS = {
    "street": "street",
    "city": "city",
    "zipcode": "postalCode",
    "state": "state",
    "country": "country",
}
"""`user` and `context.traits.address`."""

CONTEXT = {
    "ip": "ip",
    "user_agent": "userAgent",
    "lang": "locale",
    "timezone": "timezone",
    "screen": "screen",
    "os": "os",
    "network": "network",
}
"""`context.device` and `context`."""

DEVICE = {"sdk_id": "id", "advertising_id": "advertisingId", "ad_tracking_enabled": "adTrackingEnabled"}
"""`context.device` and `context.device`."""

OUR_USER = frozenset((*TRAITS.values(), "address"))
"""Names that `user` should not have, since they are what its own become."""


def to_traits(user: Fields) -> dict[str, Any]:
    """What is said of a person, in our words."""
    traits: dict[str, Any] = {}
    for name, value in user.items():
        if name in ADDRESS and "address" not in user:
            traits.setdefault("address", {})[ADDRESS[name]] = value
        else:
            traits[TRAITS.get(name, name)] = value
    return traits


def give_name(message: Message, name: str | None, properties: Fields) -> None:
    """Call the event what it is called; a view is a page or, in an app, a screen."""
    if name != "page_view":
        message.event = name
        return
    message.type = "screen" if message.channel == "mobile" else "page"
    message.name = values.find_text(properties.get("page_name"))
    message.category = values.find_text(properties.get("page_type")) or values.find_text(
        properties.get("type")
    )
