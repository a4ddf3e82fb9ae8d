"""What the fields of Commanders Act are called in the canonical event; all others keep their names."""

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
