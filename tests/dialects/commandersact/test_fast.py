"""An event becomes the same on the fast path and on the full one."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from gateway.dialects.commandersact import fast, full
from gateway.message import Message
from gateway.raw import objects
from tests.build import to_json
from tests.dialects.commandersact.test_round_trip import CATEGORIES, NUMBER, ODD, TEXT, TIMES, URLS

WORD = TEXT.filter(bool)


def mostly(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


EVENTS = st.fixed_dictionaries(
    {
        "event_name": st.sampled_from(["purchase", "page_view"]),
        "user": st.fixed_dictionaries(
            {"consistent_anonymous_id": WORD},
            optional={
                "id": WORD,
                "email": TEXT,
                "email_sha256": TEXT,
                "phone": ODD,
                "gender": TEXT,
                "firstname": TEXT,
                "city": TEXT,
                "address": ODD,
                "custom": ODD,
                "consent_categories": CATEGORIES,
                "consentID": TEXT,
                "rejected_vendors": CATEGORIES,
            },
        ),
        "context": st.fixed_dictionaries(
            {"event_id": WORD, "event_timestamp": TIMES | st.just("١٢٣٤٥٦٧٨٩٠١٢٣")},
            optional={
                "page": mostly(
                    title=ODD,
                    url=URLS,
                    lang=st.sampled_from(["fr", ""]),
                    referrer=TEXT,
                    viewport=mostly(width=NUMBER, height=NUMBER),
                    path=TEXT,
                ),
                "device": mostly(user_agent=TEXT, ip=WORD, lang=WORD, timezone=WORD, cookie=ODD),
                "app": ODD,
                "campaign": ODD,
                "generatorVersion": TEXT,
                "containerVersion": ODD,
            },
        ),
    },
    optional={
        "event_timestamp": TIMES,
        "page_name": TEXT,
        "page_type": TEXT,
        "type": TEXT,
        "items": ODD,
        "custom": ODD,
    },
)


def claimed(message: Message) -> tuple[Any, dict[str, Any]]:
    """The context, in which the order of the fields does not count; and all else, byte for byte."""
    fields = msgspec.structs.asdict(message)
    context = json.loads(bytes(fields.pop("context")), parse_int=str, parse_float=str)
    return context, {
        name: bytes(value) if isinstance(value, Raw) else value for name, value in fields.items()
    }


def on_both_paths(event: dict[str, Any]) -> tuple[Message | None, Message]:
    """Read an event on the fast path, None if it does not take it, and on the full one."""
    body = to_json(event)
    return fast.read(objects.read(body)), full.read(objects.read(body))


@settings(max_examples=200)
@given(EVENTS)
def test_both_paths_make_the_same_of_an_event(event: dict[str, Any]) -> None:
    quickly, fully = on_both_paths(event)

    assert quickly is None or claimed(quickly) == claimed(fully)


@pytest.mark.parametrize("name", ["purchase", "page_view"])
@pytest.mark.parametrize(
    "categories", [{}, {"consent_categories": ["1"]}, {"consent_categories": [1, 3]}], ids=str
)
@pytest.mark.parametrize("said", [{}, {"email": "a@b.example"}, {"city": "Paris", "x": 1}], ids=str)
@pytest.mark.parametrize("time", ["1639044446636", 1639044446636], ids=repr)
def test_an_event_as_the_documents_show_it_takes_the_fast_path(
    name: str, categories: dict[str, Any], said: dict[str, Any], time: str | int
) -> None:
    event = {
        "event_name": name,
        "page_name": "Cart",
        "user": {"id": "1", "consistent_anonymous_id": "2", **categories, **said},
        "context": {
            "event_id": "202110130000000000",
            "event_timestamp": time,
            "page": {
                "title": "Cart",
                "url": "https://shop.example/cart?q=1",
                "lang": "fr",
                "referrer": "https://shop.example/",
                "viewport": {"width": 320, "height": 568},
            },
            "device": {"user_agent": "Mozilla/5.0", "ip": "192.0.2.7", "cookie": "_ga=7"},
        },
    }
    quickly, fully = on_both_paths(event)

    assert quickly
    assert claimed(quickly) == claimed(fully)
