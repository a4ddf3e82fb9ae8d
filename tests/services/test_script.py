"""The operator's own copy of analytics.js, through the real server."""

from collections.abc import Callable, Iterator

import pytest

from tests.gateway import DEFAULTS, Gateway

CONFIG = DEFAULTS.replace('"dev"', '"dev", "odd\\"); alert(1)"').replace(
    "[inspector]", 'analytics_js = "umd/standalone.js"\n[inspector]'
)
SCRIPT = 'window.analyticsWriteKey = "__WRITE_KEY__";'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """With a copy of the script and of one bundle."""
    folder = tmp_path_factory.mktemp("script")
    (folder / "umd").mkdir()
    (folder / "umd/standalone.js").write_text(SCRIPT)
    (folder / "umd/queryString.bundle.34b193ada8fe288d1bd1.js").write_text("loaded;")
    (folder / "umd/secret.js").write_text("nobody's;")
    with Gateway(folder, CONFIG) as running:
        yield running


@pytest.mark.parametrize(
    "path",
    [
        "/analytics.js/v1/dev/analytics.min.js",
        "/analytics.js/v1/dev/analytics.js",
        "/analytics.js/v1/dev/platform/analytics.min.js",
    ],
)
def test_it_is_served_with_the_key_and_our_address_filled_in(running: Gateway, path: str) -> None:
    answer = running.request("GET", path)

    here, script = answer.body.decode().split("\n")
    assert answer.headers["content-type"].startswith("application/javascript")
    assert script == 'window.analyticsWriteKey = "dev";'
    assert here.endswith(f'window.analytics._cdn = "http://127.0.0.1:{running.port}";')


def test_no_key_can_end_the_text_that_it_stands_in(running: Gateway) -> None:
    answer = running.request("GET", "/analytics.js/v1/odd%22);%20alert(1)/analytics.min.js")

    assert answer.body.decode().endswith('window.analyticsWriteKey = "odd\\"); alert(1)";')


def test_a_key_that_is_not_known_is_told_so(running: Gateway) -> None:
    answer = running.request("GET", "/analytics.js/v1/nobody/analytics.min.js")

    assert (answer.status, answer.headers["x-gateway-error"]) == (404, "unknown_write_key")
    assert answer.body == b"Invalid or missing writekey"


def test_what_it_loads_later_is_served_too(running: Gateway) -> None:
    answer = running.request("GET", "/analytics-next/bundles/queryString.bundle.34b193ada8fe288d1bd1.js")

    assert (answer.status, answer.body) == (200, b"loaded;")


@pytest.mark.parametrize(
    "name",
    [
        "secret.js",
        "standalone.js",
        "none.bundle.1.js",
        "..%2Fgateway.toml",
        "..%2Fumd%2FqueryString.bundle.34b193ada8fe288d1bd1.js",
    ],
)
def test_nothing_else_of_the_folder_is_served(running: Gateway, name: str) -> None:
    assert running.request("GET", f"/analytics-next/bundles/{name}").status == 404


def test_without_a_copy_the_answer_says_what_is_missing(gateway: Callable[..., Gateway]) -> None:
    without = gateway()

    for path in ("/analytics.js/v1/dev/analytics.min.js", "/analytics-next/bundles/a.bundle.1.js"):
        answer = without.request("GET", path)
        assert (answer.status, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")
        assert b"analytics_js" in answer.body
