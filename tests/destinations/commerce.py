"""Every event of Segment's e-commerce spec (v2), with the properties of its examples."""

from typing import Any

PRODUCT: dict[str, Any] = {
    "product_id": "507f1f77",
    "sku": "G-32",
    "name": "Monopoly",
    "price": 18.99,
    "quantity": 1,
    "category": "Games",
    "brand": "Hasbro",
    "variant": "200 pieces",
    "coupon": "MAY",
    "position": 3,
    "url": "https://shop.example/monopoly",
    "image_url": "https://shop.example/monopoly.jpg",
}
PRODUCTS = [
    PRODUCT,
    {**PRODUCT, "product_id": "505bd76785", "sku": "46493", "name": "Uno", "price": 3, "position": 2},
]
ORDER = {
    "checkout_id": "fksdjfsdjfisjf9sdfjsd9f",
    "order_id": "50314b8e",
    "affiliation": "Google Store",
    "total": 27.5,
    "subtotal": 22.5,
    "revenue": 25.0,
    "shipping": 3,
    "tax": 2,
    "discount": 2.5,
    "coupon": "hasbros",
    "currency": "USD",
    "products": PRODUCTS,
}

EVENTS: dict[str, dict[str, Any]] = {
    "Products Searched": {"query": "blue hotpants"},
    "Product List Viewed": {"list_id": "hot_deals", "category": "Deals", "products": PRODUCTS},
    "Product List Filtered": {
        "list_id": "todays_deals",
        "filters": [{"type": "price"}],
        "products": PRODUCTS,
    },
    "Promotion Viewed": {"promotion_id": "promo_1", "creative": "banner", "name": "sale", "position": "top"},
    "Promotion Clicked": {"promotion_id": "promo_1", "creative": "banner", "name": "sale", "position": "top"},
    "Product Clicked": PRODUCT,
    "Product Viewed": {**PRODUCT, "currency": "usd", "value": 18.99},
    "Product Added": {**PRODUCT, "cart_id": "skdjsidjsdkdj29j"},
    "Product Removed": {**PRODUCT, "cart_id": "skdjsidjsdkdj29j"},
    "Cart Viewed": {"cart_id": "d92jd29jd92jd29j92d92jd", "products": PRODUCTS},
    "Checkout Started": ORDER,
    "Checkout Step Viewed": {"checkout_id": "50314b8e", "step": 2, "shipping_method": "Fedex"},
    "Checkout Step Completed": {"checkout_id": "50314b8e", "step": 2, "shipping_method": "Fedex"},
    "Payment Info Entered": {
        "checkout_id": "39f39fj39f3jf93fj9fj",
        "order_id": "dkfsjidfjsdifsdfksdjfkdsfjsdfkdsf",
    },
    "Order Updated": ORDER,
    "Order Completed": ORDER,
    "Order Refunded": {"order_id": "50314b8e", "total": 30, "currency": "USD", "products": PRODUCTS},
    "Order Cancelled": ORDER,
    "Coupon Entered": {
        "order_id": "50314b8e",
        "cart_id": "923923929jd29jd92dj9j93fj3",
        "coupon_id": "may_deals",
    },
    "Coupon Applied": {"order_id": "50314b8e", "coupon_id": "may", "coupon_name": "May", "discount": 23.32},
    "Coupon Denied": {"order_id": "50314b8e", "coupon": "May", "reason": "Coupon expired"},
    "Coupon Removed": {"order_id": "50314b8e", "coupon_id": "may", "coupon_name": "May", "discount": 23.32},
    "Product Added to Wishlist": {"wishlist_id": "skdjsidjsdkdj29j", "wishlist_name": "Loved", **PRODUCT},
    "Product Removed from Wishlist": {"wishlist_id": "skdjsidjsdkdj29j", **PRODUCT},
    "Wishlist Product Added to Cart": {
        "wishlist_id": "skdjsidjsdkdj29j",
        "cart_id": "99j2d92j9dj29dj29d2d",
        **PRODUCT,
    },
    "Product Shared": {
        "share_via": "email",
        "share_message": "Hey",
        "recipient": "friend@example.com",
        **PRODUCT,
    },
    "Cart Shared": {
        "share_via": "email",
        "cart_id": "d92jd29jd92jd29j92d92jd",
        "products": [{"product_id": "1"}],
    },
    "Product Reviewed": {"product_id": "507f1f77", "review_id": "kdfjrj39fj39jf3", "rating": "5"},
}
