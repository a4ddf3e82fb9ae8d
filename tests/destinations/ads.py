"""Vendors of ads, each with what its documents say of events: what their tests share."""

from collections.abc import Mapping
from typing import Any

from tests.destinations import meta, pinterest, snap, tiktok
from tests.destinations.commerce import EVENTS
from tests.destinations.trying import StandIn, Vendor


class Ads(Vendor):
    """One of them, with the browser that events of its tests come from."""

    def __init__(
        self,
        name: str,
        stand_in: StandIn,
        *,
        browser: dict[str, Any],
        names: Mapping[str, str],
        page: str,
        most: int,
        sent: set[str] | None = None,
        event: str = "E",
        members: tuple[str, str, str] = ("event_name", "user_data", "em"),
        **settings: str,
    ) -> None:
        super().__init__(name, stand_in, **settings)
        self.browser = browser
        self.names = names
        """The names that it has for e-commerce events."""
        self.page = page
        """Its name for a page."""
        self.most = most
        """The most events of a request."""
        self.sent = EVENTS.keys() if sent is None else sent
        """The e-commerce events that it gets; it has no name for others."""
        self.event = event
        """One that means nothing."""
        self.name_member, self.user_member, self.email_member = members

    def visit(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return an event in the browser."""
        return {"event": self.event, "context": self.browser, **fields}

    def data(self, fields: dict[str, Any], **settings: Any) -> dict[str, Any]:
        """Return what an event in the browser becomes."""
        [found] = self.map(self.visit(fields), **settings).body["data"]
        assert isinstance(found, dict)
        return found

    def user(self, **traits: Any) -> dict[str, Any]:
        """Return what is sent of a person with traits."""
        found = self.data({"context": {**self.browser, "traits": traits}})[self.user_member]
        assert isinstance(found, dict)
        return found

    def refusals(self, fields: dict[str, Any]) -> list[str]:
        """Return the codes that an event is refused with; another one beside it must be sent."""
        mapped = self.map(self.visit(fields), self.visit({}))
        assert [event["event_id"] for event in mapped.bodies[0]["data"]] == ["m1"]
        return mapped.codes


META = Ads(
    "meta",
    meta.broken,
    browser={
        "ip": "192.0.2.1",
        "userAgent": "Mozilla/5.0",
        "page": {"url": "https://shop.example/a", "referrer": "https://g.example/"},
        "cookies": {"_fbp": "fb.1.1596403881668.1098115397", "_fbc": "fb.1.1554763741205.AbCdEf"},
    },
    names={
        "Products Searched": "Search",
        "Product Viewed": "ViewContent",
        "Product Added": "AddToCart",
        "Checkout Started": "InitiateCheckout",
        "Payment Info Entered": "AddPaymentInfo",
        "Product Added to Wishlist": "AddToWishlist",
        "Coupon Applied": "Coupon Applied",
    },
    page="PageView",
    most=1000,
    pixel_id="1234",
    access_token="meta-token",
)
PINTEREST = Ads(
    "pinterest",
    pinterest.broken,
    browser={
        "ip": "192.0.2.1",
        "userAgent": "Mozilla/5.0",
        "locale": "en-US",
        "page": {"url": "https://shop.example/a", "title": "A"},
        "cookies": {"_epik": "dj0yJnU9"},
    },
    names={
        "Products Searched": "search",
        "Product List Viewed": "view_category",
        "Product Viewed": "page_visit",
        "Product Added": "add_to_cart",
        "Product Added to Wishlist": "add_to_wishlist",
        "Checkout Started": "initiate_checkout",
        "Payment Info Entered": "add_payment_info",
    },
    page="page_visit",
    most=1000,
    sent={
        *("Products Searched", "Product List Viewed", "Product Viewed", "Product Added", "Checkout Started"),
        *("Payment Info Entered", "Order Completed", "Product Added to Wishlist"),
    },
    event="lead",
    ad_account_id="549",
    conversion_token="pin-token",
)
SNAP = Ads(
    "snap",
    snap.broken,
    browser={
        "ip": "192.0.2.1",
        "userAgent": "Mozilla/5.0",
        "page": {"url": "https://shop.example/a?ScCid=click1"},
        "cookies": {"_scid": "cookie1"},
    },
    names={
        "Products Searched": "SEARCH",
        "Product List Viewed": "LIST_VIEW",
        "Promotion Clicked": "AD_CLICK",
        "Product Viewed": "VIEW_CONTENT",
        "Product Added": "ADD_CART",
        "Product Added to Wishlist": "ADD_TO_WISHLIST",
        "Checkout Started": "START_CHECKOUT",
        "Payment Info Entered": "ADD_BILLING",
        "Cart Shared": "SHARE",
    },
    page="PAGE_VIEW",
    most=2000,
    sent={
        *("Products Searched", "Product List Viewed", "Promotion Viewed", "Promotion Clicked"),
        *("Product Viewed", "Product Added", "Product Added to Wishlist", "Checkout Started"),
        *("Payment Info Entered", "Order Completed", "Product Shared", "Cart Shared", "Product Reviewed"),
    },
    event="SAVE",
    asset_id="1ec32188-754e",
    access_token="snap-token",
)
TIKTOK = Ads(
    "tiktok",
    tiktok.broken,
    browser={
        "ip": "192.0.2.1",
        "userAgent": "Mozilla/5.0",
        "locale": "de-DE",
        "page": {"url": "https://shop.example/a?ttclid=E.C.P.x", "referrer": "https://g.example/"},
        "cookies": {"_ttp": "2F7h37"},
    },
    names={
        "Products Searched": "Search",
        "Product Clicked": "ClickButton",
        "Product Viewed": "ViewContent",
        "Product Added": "AddToCart",
        "Product Added to Wishlist": "AddToWishlist",
        "Checkout Started": "InitiateCheckout",
        "Payment Info Entered": "AddPaymentInfo",
        "Coupon Applied": "Coupon Applied",
    },
    page="PageView",
    most=1000,
    members=("event", "user", "email"),
    event_source_id="COQDA8RC",
    access_token="tiktok-token",
)
ADS = (META, PINTEREST, SNAP, TIKTOK)
