"""Write commands and snippets that people copy: what they say of strangers' texts is quoted for a shell."""

import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gateway.config.tables import Config
from gateway.inspector.queries.events import EventJourney
from gateway.sources import Source

_OWN_HEADERS = frozenset(
    ("host", "content-length", "connection", "accept-encoding", "transfer-encoding", "authorization", "x-write-key")
)
_KEY = "$WRITE_KEY"


class Snippet(NamedTuple):
    """How one family of clients is pointed here."""

    name: str
    text: str


def gateway_address(config: Config) -> str:
    """Return the address of the intake, as far as the configuration says it."""
    server = config.server
    if server.public_url:
        return server.public_url.rstrip("/")
    host = "127.0.0.1" if server.host in ("0.0.0.0", "::", "") else server.host
    return f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"


def curl(config: Config, journey: EventJourney) -> str:
    """Return the command that sends an event again, with its own request if that is there."""
    address = gateway_address(config)
    request = journey.request
    if request is None:
        body = bytes(journey.canonical).decode()
        parts = [f"curl {quote(f'{address}/v1/batch')}", f'-u "{_KEY}:"', f"-d {quote(f'{{"batch":[{body}]}}')}"]
        return " \\\n  ".join(parts)
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _OWN_HEADERS}
    return " \\\n  ".join(_command(f"{address}{request.route}", request.method, headers, request.body))


def _command(url: str, method: str, headers: Mapping[str, str], body: str) -> Iterator[str]:
    yield f"curl -X {quote(method)} {quote(url)}"
    yield f'-H "X-Write-Key: {_KEY}"'
    for name, value in headers.items():
        yield f"-H {quote(f'{name}: {value}')}"
    if body:
        yield f"--data-binary {quote(body)}"


def quote(text: str) -> str:
    """Return a text as one word of a shell; no character of it can control the terminal that it is pasted to."""
    if text.isprintable():
        return shlex.quote(text)
    escaped = "".join(
        each if each.isprintable() and each not in "\\'" else "".join(f"\\x{octet:02x}" for octet in each.encode(errors="replace"))
        for each in text
    )
    return f"$'{escaped}'"


def first_events(config: Config) -> list[Snippet]:
    """Return three ways to send the first event, as README.md has them."""
    address = gateway_address(config)
    key = "dev" if config.built_in else "KEY"
    return [
        Snippet("curl", f"""curl {address}/v1/track -u {key}: -d '{{"userId": "u1", "event": "Hello"}}'"""),
        Snippet(
            "A page",
            f'import {{AnalyticsBrowser}} from "@segment/analytics-next"\n\n'
            f'const analytics = AnalyticsBrowser.load({{writeKey: "{key}", cdnURL: "{address}"}})\n'
            f'analytics.track("Hello")',
        ),
        Snippet(
            "An image, in an e-mail",
            f'<img src="{address}/v1/pixel/track?writeKey={key}&amp;userId=u1&amp;event=Hello" alt="">',
        ),
    ]


def snippets(config: Config, source: Source, *, with_key: bool) -> list[Snippet]:
    """Return the snippet of each family of SDKs for a source, as README.md has them."""
    address = gateway_address(config)
    host = address.partition("://")[2]
    key = source.write_keys[0] if with_key and source.write_keys else "KEY"
    found = [
        Snippet("curl, HTTP API", f"""curl {address}/v1/track -u {key}: -d '{{"userId": "u1", "event": "Hello"}}'"""),
        Snippet("analytics-next (npm)", f'AnalyticsBrowser.load({{writeKey: "{key}", cdnURL: "{address}"}})'),
        Snippet("@segment/analytics-node", f'new Analytics({{writeKey: "{key}", host: "{address}"}})'),
        Snippet("segment-analytics-python, rudder-sdk-python", f'Client("{key}", host="{address}")'),
        Snippet("analytics-go", f'analytics.NewWithConfig("{key}", analytics.Config{{Endpoint: "{address}"}})'),
        Snippet("analytics-java", f'Analytics.builder("{key}").endpoint("{address}").build()'),
        Snippet("analytics-ruby (HTTPS only)", f'Segment::Analytics.new(write_key: "{key}", host: "{host}")'),
        Snippet("analytics-php (HTTPS only)", f'Segment::init("{key}", ["host" => "{host}"])'),
        Snippet("analytics-swift (HTTPS only)", f'Configuration(writeKey: "{key}").apiHost("{host}/v1").cdnHost("{host}/v1")'),
        Snippet("@rudderstack/analytics-js", f'rudderanalytics.load("{key}", "{address}", {{configUrl: "{address}"}})'),
        Snippet("@jitsu/js", f'jitsuAnalytics({{host: "{address}", writeKey: "{key}:x"}})'),
        Snippet("Image, e-mail", f'<img src="{address}/v1/pixel/track?writeKey={key}&amp;userId=u1&amp;event=Opened" alt="">'),
        Snippet("Webhook of another system", f"{address}/v1/webhook?writeKey={key}"),
    ]
    if source.site_id:
        found.append(Snippet("Commanders Act", f"{address}/events?tc_s={source.site_id}&token={key}"))
    return found
