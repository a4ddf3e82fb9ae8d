"""The walk-through of config/README.md: its mapping works as the text says."""

import json
import re
from pathlib import Path

from gateway.destinations.planning import plan
from gateway.destinations.program import Program
from gateway.destinations.vendor import read
from tests.build import event_line

README = (Path(__file__).parents[2] / "config/README.md").read_text()
[ACME] = [
    block for block in re.findall(r"```toml\n(.+?)\n```", README, re.DOTALL) if 'title = "Acme"' in block
]


def test_the_mapping_of_the_walk_through_makes_the_request_that_it_describes() -> None:
    program = Program(read(ACME, "acme.toml"), {"token": "t"})
    order = event_line(
        event="Order Completed",
        properties={"revenue": "9.50", "products": [{"sku": "S1", "quantity": "2"}, {"product_id": 7}]},
        traits={"email": " Ann@Example.com"},
    )
    view = event_line(1, type="page", event="", name="Home", properties={"path": "/", "tags": ["a"]})

    [[request]] = plan(program, [order, view], 1, 1767268800).lanes

    assert request.call.url == "https://api.acme.example/v1/events"
    assert request.call.headers == {"Authorization": "Bearer t"}
    assert json.loads(request.body) == {
        "events": [
            {
                "id": "m0",
                "time": 1767268800,
                "user": "u1",
                "email": "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476",
                "kind": "purchase",
                "amount": 9.5,
                "lines": [{"sku": "S1", "units": 2}, {"sku": 7, "units": 1}],
            },
            {"id": "m1", "time": 1767268800, "user": "u1", "kind": "Home", "data": {"path": "/"}},
        ]
    }
