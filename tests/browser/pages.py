"""The pages of a shop, each with a client in it as its maker's documentation shows it."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.gateway import Gateway
from tests.journey import needs


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


def rudderstack(running: Gateway, key: str = "dev", **options: Any) -> str:
    """A page with @rudderstack/analytics-js from npm, in the build that loads nothing from elsewhere."""
    here = f"http://127.0.0.1:{running.port}"
    return f"""<!doctype html>
<title>Shop</title>
<script src="/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"></script>
<script>
  const analytics = new rudderanalytics.RudderAnalytics()
  analytics.load("{key}", "{here}", {json.dumps({"configUrl": here, **options})})
</script>
"""


def snippet(running: Gateway, packages: Path, **options: bool) -> str:
    """A page with Segment's snippet, of which no more is changed than the host; `options` are its own."""
    given = {"apiKey": "dev", "host": f"127.0.0.1:{running.port}", **options}
    render = (
        f"console.log(require({json.dumps(str(packages / '@segment/snippet'))}).min({json.dumps(given)}))"
    )
    script = subprocess.check_output([needs.program("node"), "-e", render], text=True)
    # It knows no hosts without https, which a gateway in production has before it.
    script = script.replace("https://", "http://")
    return f"""<!doctype html>
<title>Shop</title>
<script>{script}</script>
"""


def jitsu(running: Gateway, key: str = "dev:secret") -> str:
    """A page with @jitsu/js from npm, which takes no key without a secret."""
    options = {"host": f"http://127.0.0.1:{running.port}", "writeKey": key}
    return f"""<!doctype html>
<title>Shop</title>
<script type="module">
  import {{jitsuAnalytics}} from "/@jitsu/js/dist/jitsu.es.js"
  window.analytics = jitsuAnalytics({json.dumps(options)})
</script>
"""
