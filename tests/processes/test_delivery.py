"""What each sink gets of the same events."""

from pathlib import Path

from tests.build import track
from tests.gateway import DEFAULTS, Gateway

TWO_SINKS = f"""{DEFAULTS}
[sinks.translated]
kind = "json_lines"
path = "data/translated.jsonl"
translate = "commandersact"
"""


def test_a_sink_has_events_translated_for_itself_alone(tmp_path: Path) -> None:
    product = {"product_id": "p1", "sku": "s1", "price": 8}
    event = track(event="Order Completed", properties={"order_id": "o1", "products": [product]})

    with Gateway(tmp_path, TWO_SINKS) as gateway:
        gateway.post("/v1/track", event)
        [as_it_came] = gateway.delivered(1)
        [translated] = gateway.delivered(1, "data/translated.jsonl")

    assert (as_it_came["event"], as_it_came["properties"]) == (event["event"], event["properties"])
    assert (translated["event"], translated["properties"]) == (
        "purchase",
        {"id": "o1", "items": [{"id": "s1", "product": {"id": "p1", "price": 8}}]},
    )
