"""How to point clients to this gateway: the table of README.md, with the address and key filled in."""

from typing import NamedTuple

from gateway.config.tables import Config
from gateway.sources import Source


class Snippet(NamedTuple):
    """The settings of one family of clients."""

    name: str
    text: str


_FIRST = (
    Snippet("With curl", """curl GW/v1/track -u KEY: -d '{"userId": "u1", "event": "Hello"}'"""),
    Snippet(
        "In a page",
        'import { AnalyticsBrowser } from "@segment/analytics-next"\n\n'
        'const analytics = AnalyticsBrowser.load({writeKey: "KEY", cdnURL: "GW"})\n'
        'analytics.track("Hello")',
    ),
    Snippet("As an image", '<img src="GW/v1/pixel/track?writeKey=KEY&userId=u1&event=Hello" alt="">'),
)

CLIENTS = (
    Snippet("curl, HTTP API", """curl GW/v1/track -u KEY: -d '{"userId": "u1", "event": "Hello"}'"""),
    Snippet("analytics-next (npm)", 'AnalyticsBrowser.load({writeKey: "KEY", cdnURL: "GW"})'),
    Snippet("@segment/analytics-node", 'new Analytics({writeKey: "KEY", host: "GW"})'),
    Snippet("segment-analytics-python, rudder-sdk-python", 'Client("KEY", host="GW")'),
    Snippet("analytics-go", 'analytics.NewWithConfig("KEY", analytics.Config{Endpoint: "GW"})'),
    Snippet("analytics-java", 'Analytics.builder("KEY").endpoint("GW").build()'),
    Snippet("analytics-ruby (HTTPS only)", 'Segment::Analytics.new(write_key: "KEY", host: "GWHOST")'),
    Snippet("analytics-php (HTTPS only)", 'Segment::init("KEY", ["host" => "GWHOST"])'),
    Snippet(
        "Analytics-CSharp (HTTPS only)",
        'new Configuration("KEY", apiHost: "GWHOST/v1", cdnHost: "GWHOST/v1")',
    ),
    Snippet(
        "analytics-swift (HTTPS only)",
        'Configuration(writeKey: "KEY").apiHost("GWHOST/v1").cdnHost("GWHOST/v1")',
    ),
    Snippet(
        "analytics-kotlin (HTTPS only)",
        'Analytics("KEY", context) { apiHost = "GWHOST/v1"; cdnHost = "GWHOST/v1" }',
    ),
    Snippet(
        "analytics-react-native",
        'createClient({writeKey: "KEY", proxy: "GW/v1", cdnProxy: "GW/v1", useSegmentEndpoints: true})',
    ),
    Snippet("@rudderstack/analytics-js (bundled)", 'rudderanalytics.load("KEY", "GW", {configUrl: "GW"})'),
    Snippet("@rudderstack/rudder-sdk-node", 'new RudderAnalytics("KEY", {dataPlaneUrl: "GW"})'),
    Snippet("@jitsu/js", 'jitsuAnalytics({host: "GW", writeKey: "KEY:x"})'),
    Snippet("image, e-mail", '<img src="GW/v1/pixel/track?writeKey=KEY&userId=u1&event=Opened">'),
    Snippet("another system's webhook", "GW/v1/webhook?writeKey=KEY"),
)
_COMMANDERS_ACT = Snippet("Commanders Act", "GW/events?tc_s=SITE&token=KEY")


def address(config: Config) -> str:
    """Return the address of the intake, as far as the configuration gives it."""
    server = config.server
    if server.public_url:
        return server.public_url.rstrip("/")
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(server.host, server.host)
    return (
        f"http://{host}:{server.port}" if "[" in host or ":" not in host else f"http://[{host}]:{server.port}"
    )


def first(config: Config) -> list[Snippet]:
    """Return three ways to send the first event; the built-in configuration has no secret key."""
    return [_fill(each, config, "dev" if config.built_in else "KEY") for each in _FIRST]


def of_source(config: Config, source: Source, *, with_key: bool) -> list[Snippet]:
    """Return the snippet of each family of clients for a source, with its key only on request."""
    key = source.write_keys[0] if with_key and source.write_keys else "KEY"
    found = [_fill(each, config, key) for each in CLIENTS]
    if source.site_id:
        name, text = _COMMANDERS_ACT
        found.append(_fill(Snippet(name, text.replace("SITE", source.site_id)), config, key))
    return found


def _fill(snippet: Snippet, config: Config, key: str) -> Snippet:
    gateway = address(config)
    text = snippet.text.replace("GWHOST", gateway.partition("://")[2]).replace("GW", gateway)
    return Snippet(snippet.name, text.replace("KEY", key))
