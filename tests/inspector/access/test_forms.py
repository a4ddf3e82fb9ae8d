"""Bodies of requests that change something: whole, or of no effect."""

from pathlib import Path

import anyio
import pytest
from starlette.types import Message

from tests.inspector.visitor import visitor


@pytest.mark.parametrize("beginning", [b"", b'{"to": "0/1"'], ids=["no body", "half a body"])
def test_an_order_of_a_client_that_left_before_its_end_is_not_carried_out(
    tmp_path: Path, beginning: bytes
) -> None:
    app = visitor(tmp_path).app
    messages: list[Message] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": beginning, "more_body": True},
    ]
    answers: list[Message] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/sinks/archive/skip",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8081"), (b"content-length", b"30")],
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> Message:
        return messages.pop()

    async def send(message: Message) -> None:
        answers.append(message)

    anyio.run(app, scope, receive, send)

    assert answers == []
