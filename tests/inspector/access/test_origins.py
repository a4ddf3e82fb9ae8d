"""Which requests are the operator's own, and which another site has made a browser send."""

import pytest

from gateway.inspector.access.origins import is_foreign, is_loopback

HOST = {"host": "127.0.0.1:8081"}
OWN = "http://127.0.0.1:8081"
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8081",
        "127.1.2.3",
        "localhost",
        "LOCALHOST:8081",
        "gateway.localhost:1",
        "[::1]:8081",
        "[::1]",
    ],
)
def test_the_names_of_this_machine_are_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("", id="none"),
        pytest.param("evil.example:8081", id="a name that DNS may rebind"),
        pytest.param("localhost.evil.example", id="a name that begins alike"),
        pytest.param("127.0.0.1.evil.example", id="a name that begins with the address"),
        pytest.param("evillocalhost", id="a name that ends alike"),
        pytest.param("192.0.2.1:8081", id="another address"),
        pytest.param("user@localhost", id="with a user"),
        pytest.param("localhost@evil.example", id="as a user"),
        pytest.param("[::1", id="no address"),
        pytest.param("::1", id="an address that hosts do not write so"),
        pytest.param("2130706433", id="the address as a number"),
    ],
)
def test_other_names_are_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="curl"),
        pytest.param({"origin": OWN}, id="an old browser"),
        pytest.param({"origin": "https://127.0.0.1:8081"}, id="behind TLS"),
        pytest.param(
            {"origin": "http://127.0.0.1:8081", "sec-fetch-site": "same-origin"}, id="a form of ours"
        ),
        pytest.param({"sec-fetch-site": "none"}, id="typed by hand"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_of_our_own_is_not_foreign(method: str, headers: dict[str, str]) -> None:
    assert not is_foreign(method, {**HOST, **headers})


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"origin": "http://evil.example"}, id="another site"),
        pytest.param({"origin": "http://127.0.0.1:3000"}, id="another port"),
        pytest.param({"origin": "null"}, id="a sandbox"),
        pytest.param({"origin": ""}, id="an empty origin"),
        pytest.param({"sec-fetch-site": "cross-site"}, id="cross-site"),
        pytest.param({"sec-fetch-site": "same-site"}, id="another port of this host"),
        pytest.param({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, id="an image"),
        pytest.param(
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
            id="a frame",
        ),
        pytest.param({"origin": "http://evil.example", "sec-fetch-site": "same-origin"}, id="contradictory"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_of_another_site_is_foreign(method: str, headers: dict[str, str]) -> None:
    assert is_foreign(method, {**HOST, **headers})


def test_a_link_on_another_site_may_lead_here_but_no_form() -> None:
    link = {
        **HOST,
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    }

    assert not is_foreign("GET", link)
    assert is_foreign("POST", link)


def test_without_a_host_no_origin_is_our_own() -> None:
    assert is_foreign("POST", {"origin": "http://"})
