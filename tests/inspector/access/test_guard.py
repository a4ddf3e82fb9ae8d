"""Attacks on the inspector, and the operators who must not be mistaken for attackers."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway.inspector.access.attempts import MAX_FAILURES
from gateway.inspector.access.sessions import COOKIE
from tests.inspector.visitor import BROWSER, FORM, LOCAL, form_token, visitor

EVIL = {"Host": "evil.example:8081"}
BEARER = {"Authorization": "Bearer secret"}


def log_in(client: TestClient, token: str = "secret", **more: str) -> int:
    """Fill in the login form as a browser does, and return the status of the answer."""
    given = {"csrf": form_token(client.get("/login", headers=BROWSER).text), "token": token, **more}
    return client.post("/login", data=given, headers=FORM).status_code


@pytest.mark.parametrize("path", ["/", "/metrics", "/sources", "/login", "/nothing"])
def test_a_page_whose_name_was_rebound_to_this_machine_sees_nothing(tmp_path: Path, path: str) -> None:
    answer = visitor(tmp_path).get(path, headers={**BROWSER, **EVIL, "Sec-Fetch-Site": "same-origin"})

    assert answer.status_code == 403
    assert "website" not in answer.text


def test_with_a_token_the_inspector_may_have_any_name(tmp_path: Path) -> None:
    answer = visitor(tmp_path, "secret").get("/sources", headers={**BROWSER, **EVIL, **BEARER})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "http://evil.example"}, id="with its origin"),
        pytest.param({"Origin": "null"}, id="from a sandbox"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="by a browser that says so"),
        pytest.param(
            {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:3000"}, id="from another port"
        ),
    ],
)
@pytest.mark.parametrize("token", ["", "secret"], ids=["open", "with a session"])
def test_a_form_on_another_site_changes_nothing(tmp_path: Path, token: str, headers: dict[str, str]) -> None:
    client = visitor(tmp_path, token)
    if token:
        log_in(client)
    page = client.get("/sources/website", headers=BROWSER).text

    answer = client.post("/sources/website", data={"csrf": form_token(page)}, headers=headers)

    assert answer.status_code == 403
    assert "website-key" not in answer.text


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="none"),
        pytest.param({"csrf": ""}, id="an empty one"),
        pytest.param({"csrf": "0" * 64}, id="a guessed one"),
        pytest.param({"csrf": "é"}, id="not ASCII"),
    ],
)
def test_a_form_needs_its_token(tmp_path: Path, given: dict[str, str]) -> None:
    answer = visitor(tmp_path).post("/sources/website", data=given, headers=FORM)

    assert answer.status_code == 403
    assert "website-key" not in answer.text


def test_a_form_with_its_token_is_carried_out(tmp_path: Path) -> None:
    client = visitor(tmp_path)
    token = form_token(client.get("/sources/website", headers=BROWSER).text)

    answer = client.post("/sources/website", data={"csrf": token}, headers=FORM)

    assert answer.status_code == 200
    assert "website-key" in answer.text


def test_a_script_may_send_the_token_as_a_header(tmp_path: Path) -> None:
    client = visitor(tmp_path)
    token = form_token(client.get("/sources/website", headers=BROWSER).text)

    answer = client.post("/sources/website", headers={**FORM, "X-CSRF-Token": token})

    assert answer.status_code == 200


@pytest.mark.parametrize("token", ["", "secret"], ids=["open", "with the token"])
def test_a_program_needs_no_form(tmp_path: Path, token: str) -> None:
    answer = visitor(tmp_path, token).post("/sources/website", headers=BEARER if token else {})

    assert answer.status_code == 200


def test_a_session_of_a_program_without_an_origin_needs_the_form_token_all_the_same(tmp_path: Path) -> None:
    client = visitor(tmp_path, "secret")
    log_in(client)

    assert client.post("/sources/website").status_code == 403


def test_a_browser_is_led_to_the_login_and_back(tmp_path: Path) -> None:
    client = visitor(tmp_path, "secret")

    led = client.get("/sources/website?a=b&c", headers=BROWSER)
    page = client.get(led.headers["location"], headers=BROWSER).text
    given = {"csrf": form_token(page), "token": "secret", "next": "/sources/website?a=b&c"}
    back = client.post("/login", data=given, headers=FORM)

    assert (led.status_code, led.headers["location"]) == (303, "/login?next=%2Fsources%2Fwebsite%3Fa%3Db%26c")
    assert 'value="/sources/website?a=b&amp;c"' in page
    assert (back.status_code, back.headers["location"]) == (303, "/sources/website?a=b&c")
    assert client.get("/sources/website", headers=BROWSER).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/%0d%0a x",
        "javascript:alert(1)",
        "",
        "/\r\nx: y",
    ],
)
def test_the_login_leads_to_no_other_site(tmp_path: Path, target: str) -> None:
    client = visitor(tmp_path, "secret")
    given = {
        "csrf": form_token(client.get("/login", headers=BROWSER).text),
        "token": "secret",
        "next": target,
    }

    answer = client.post("/login", data=given, headers=FORM)

    assert answer.headers["location"] == "/"
    assert "x" not in answer.headers


def test_the_cookie_is_for_requests_of_this_site_alone(tmp_path: Path) -> None:
    client = visitor(tmp_path, "secret")
    given = {"csrf": form_token(client.get("/login", headers=BROWSER).text), "token": "secret"}

    cookie = client.post("/login", data=given, headers=FORM).headers["set-cookie"].lower()

    assert {"httponly", "samesite=strict", "path=/", "max-age=43200"} <= set(cookie.split("; "))
    assert "secure" not in cookie
    assert "secret" not in cookie


@pytest.mark.parametrize("other", ['a={"x":1}', "a b=c", "=", "a=é", '"'])
def test_cookies_of_other_servers_of_the_host_do_not_hide_the_session(tmp_path: Path, other: str) -> None:
    client = visitor(tmp_path, "secret")
    log_in(client)
    session = f"{COOKIE}={client.cookies.get(COOKIE)}"
    client.cookies.clear()

    answers = [
        client.get("/sources", headers=[(b"Accept", b"text/html"), (b"Cookie", cookies.encode())])
        for cookies in (f"{other}; {session}", f"{session}; {other}")
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_behind_tls_the_cookie_is_secure(tmp_path: Path) -> None:
    client = visitor(tmp_path, "secret", base_url="https://inspector.example")
    given = {"csrf": form_token(client.get("/login", headers=BROWSER).text), "token": "secret"}

    answer = client.post("/login", data=given, headers={**FORM, "Origin": "https://inspector.example"})

    assert "secure" in answer.headers["set-cookie"].lower().split("; ")


def test_a_session_that_was_planted_before_the_login_is_not_continued(tmp_path: Path) -> None:
    client = visitor(tmp_path, "secret")
    client.cookies.set(COOKIE, "planted", domain="127.0.0.1")

    log_in(client)
    attacker = visitor(tmp_path, "secret", cookies={COOKIE: "planted"})

    assert attacker.get("/sources", headers=BROWSER).status_code == 303
    assert client.cookies.get(COOKIE, domain="127.0.0.1", path="/") != "planted"


def test_after_the_logout_the_cookie_is_worth_nothing(tmp_path: Path) -> None:
    client = visitor(tmp_path, "secret")
    log_in(client)
    cookie = client.cookies[COOKIE]
    token = form_token(client.get("/sources", headers=BROWSER).text)

    client.post("/logout", data={"csrf": token}, headers=FORM)
    client.cookies.set(COOKIE, cookie)

    assert client.get("/sources", headers=BROWSER).status_code == 303


@pytest.mark.parametrize("way", ["form", "bearer"])
def test_guessing_is_stopped_even_if_the_guess_is_right(tmp_path: Path, way: str) -> None:
    client = visitor(tmp_path, "secret")

    def guess(token: str) -> int:
        if way == "form":
            return log_in(client, token)
        return client.get("/sources", headers={"Authorization": f"Bearer {token}"}).status_code

    statuses = [guess(f"guess {number}") for number in range(MAX_FAILURES)]

    assert set(statuses) == {403 if way == "form" else 401}
    assert guess("secret") == 429
    assert client.get("/sources", headers=BEARER).headers["retry-after"].isdecimal()


def test_guesses_of_one_address_lock_out_no_other(tmp_path: Path) -> None:
    client = visitor(tmp_path, "secret", client=("192.0.2.1", 1))
    other = TestClient(client.app, base_url=LOCAL, client=("192.0.2.2", 1))
    for _ in range(MAX_FAILURES):
        client.get("/sources", headers={"Authorization": "Bearer wrong"})

    assert client.get("/sources", headers=BEARER).status_code == 429
    assert other.get("/sources", headers=BEARER).status_code == 200


def test_who_is_logged_in_stays_so_while_others_guess_from_the_same_address(tmp_path: Path) -> None:
    client = visitor(tmp_path, "secret")
    log_in(client)
    for _ in range(MAX_FAILURES + 1):
        TestClient(client.app, base_url=LOCAL).get("/sources", headers={"Authorization": "Bearer wrong"})

    assert client.get("/sources", headers=BROWSER).status_code == 200


def test_the_api_is_denied_in_json(tmp_path: Path) -> None:
    answer = visitor(tmp_path, "secret").get("/api/events", headers=BROWSER)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "token_required"


def test_a_link_on_another_site_reaches_the_session_that_there_is(tmp_path: Path) -> None:
    # Browsers keep back a strict cookie until the request comes from a page of this site.
    fetch = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

    answer = visitor(tmp_path, "secret").get("/sources?a=1&b=2", headers={**BROWSER, **fetch})

    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/sources?a=1&amp;b=2">' in answer.text


@pytest.mark.parametrize("path", ["//evil.example/a", "/%2Fevil.example/a", "///evil.example/a"])
def test_a_link_to_this_site_leads_to_no_other(tmp_path: Path, path: str) -> None:
    client = visitor(tmp_path, "secret")
    fetch = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

    bounced = client.get(f"{LOCAL}{path}", headers={**BROWSER, **fetch})
    led = client.get(f"{LOCAL}{path}", headers=BROWSER)

    assert 'content="0; url=/evil.example/a"' in bounced.text
    assert led.headers["location"] == "/login?next=%2Fevil.example%2Fa"


@pytest.mark.parametrize(
    "body", [pytest.param(b"a=" + b"x" * 1024 * 1024, id="bytes"), pytest.param(b"&a=1" * 3000, id="fields")]
)
@pytest.mark.parametrize("sender", [FORM, {}], ids=["by a browser", "by a program"])
def test_a_huge_form_is_refused(tmp_path: Path, sender: dict[str, str], body: bytes) -> None:
    headers = {**sender, "Content-Type": "application/x-www-form-urlencoded"}

    answer = visitor(tmp_path, "secret").post("/login", content=body, headers=headers)

    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/sources", "/nothing", "/metrics", "/login"])
def test_every_answer_says_what_a_browser_may_do_with_it(tmp_path: Path, path: str) -> None:
    answer = visitor(tmp_path).get(path, headers=BROWSER)

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
