"""
A stand-in of Slack: the rules of its documents for incoming webhooks.

https://docs.slack.dev: sending messages using incoming webhooks, reference of blocks (section).
"""

import json
import re
from typing import Any

from gateway.destinations.packing import Request
from tests.destinations.rates import Rate

RATES = [Rate("/services/.*", 1, 1)]


def broken(request: Request) -> list[str]:
    """Return the rules that a request breaks."""
    body = json.loads(request.body)
    found = [] if request.call.url.startswith("https://hooks.slack.com/") else ["url"]
    found += [] if body.keys() == {"text", "blocks"} and body["text"] else ["no_text"]
    found += [] if 1 <= len(body["blocks"]) <= 50 else ["not 1 to 50 blocks"]
    return found + [problem for block in body["blocks"] for problem in _section(block)]


def _section(block: dict[str, Any]) -> list[str]:
    text = block["text"]["text"]
    found = [] if (block["type"], block["text"]["type"]) == ("section", "mrkdwn") else ["invalid_blocks"]
    found += [] if 1 <= len(text) <= 3000 else ["text of 1 to 3,000 characters"]
    return found + (["unescaped &"] if re.search(r"&(?!amp;|lt;|gt;)", text) else [])
