"""The pages of a shop, each with a client in it as its maker's documentation shows it."""

import json
from typing import Any

from tests.gateway import Gateway


def analytics_next(running: Gateway, key: str = "dev", **options: Any) -> str:
    """A page with @segment/analytics-next from npm; `options` are those of its Segment.io integration."""
    settings = {"writeKey": key, "cdnURL": f"http://127.0.0.1:{running.port}"}
    return f"""<!doctype html>
<title>Shop</title>
<script src="/@segment/analytics-next/dist/umd/index.js"></script>
<script>
  const analytics = AnalyticsNext.AnalyticsBrowser.load(
    {json.dumps(settings)},
    {json.dumps({"integrations": {"Segment.io": options}})})
</script>
"""


def batching(**config: Any) -> dict[str, Any]:
    """Let analytics-next collect events, for as long as nothing else makes it send them."""
    config = {"timeout": 600_000, **config}
    return {"deliveryStrategy": {"strategy": "batching", "config": config}}
