"""Sessions and form tokens: what is accepted, and for how long."""

from collections.abc import Callable

import pytest

from gateway.inspector.access.sessions import SESSION_SECONDS, Sessions


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_only_the_token_is_accepted() -> None:
    sessions = Sessions("secret")

    assert sessions.accepts(b"secret")
    assert not any(map(sessions.accepts, (b"", b"secre", b"secret2", b"SECRET", b"\xff")))


def test_without_a_token_nothing_is_accepted() -> None:
    assert not Sessions("").accepts(b"")


def test_a_session_ends_after_twelve_hours() -> None:
    clock = Clock()
    sessions = Sessions("secret", clock)
    cookie = sessions.begin()

    clock.now += SESSION_SECONDS - 1
    assert sessions.verify(cookie)
    clock.now += 1
    assert not sessions.verify(cookie)


def test_a_session_outlives_a_restart_but_no_other_token() -> None:
    cookie = Sessions("secret").begin()

    assert Sessions("secret").verify(cookie)
    assert not Sessions("another").verify(cookie)


def test_a_session_that_was_ended_is_over() -> None:
    sessions = Sessions("secret")
    one, other = sessions.begin(), sessions.begin()

    sessions.end(one)

    assert not sessions.verify(one)
    assert sessions.verify(other)


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda cookie: "", id="nothing"),
        pytest.param(lambda cookie: "..", id="dots"),
        pytest.param(lambda cookie: "9" + cookie, id="a later end"),
        pytest.param(
            lambda cookie: cookie[:-1] + ("0" if cookie[-1] != "0" else "1"), id="another signature"
        ),
        pytest.param(lambda cookie: cookie.rpartition(".")[0] + ".", id="no signature"),
        pytest.param(lambda cookie: "é" + cookie, id="not ASCII"),
    ],
)
def test_a_forged_session_is_none(forge: Callable[[str], str]) -> None:
    sessions = Sessions("secret")

    assert not sessions.verify(forge(sessions.begin()))


def test_the_form_token_of_a_session_is_that_of_no_other() -> None:
    sessions = Sessions("secret")
    one, other = sessions.begin(), sessions.begin()

    assert sessions.accepts_form(sessions.form_token(one), one)
    assert not sessions.accepts_form(sessions.form_token(other), one)
    assert not sessions.accepts_form(sessions.form_token(""), one)
    assert not sessions.accepts_form("", one)


def test_without_a_token_forms_are_signed_with_a_key_that_nobody_knows() -> None:
    assert Sessions("").form_token("") != Sessions("").form_token("")
