"""Secrets: used and compared, and never printed, whatever else is wrong."""

import pickle
from pathlib import Path

import msgspec
import pytest

from gateway.config.secret import Secret, Secrets
from tests.config.texts import mistakes, read, write

ALL = {
    "inspector": 'host = "0.0.0.0"\ntoken = "HIDDEN-1"',
    "sources__website": (
        'write_keys = ["HIDDEN-2", "HIDDEN-3"]\nsite_id = "29"\n'
        'api_tokens = ["HIDDEN-4"]\nwebhook_secret = ["HIDDEN-5", "HIDDEN-6"]'
    ),
}


@pytest.mark.parametrize(
    "print_it",
    [repr, str, ascii, "{}".format, "%s".__mod__, "%r".__mod__, lambda secret: f"{secret!s:>9}"],
    ids=["repr", "str", "ascii", "format", "%s", "%r", "f-string"],
)
def test_it_shows_nothing_however_it_is_printed(print_it: object) -> None:
    assert callable(print_it)

    assert "hush" not in print_it(Secret("hush"))
    assert "hush" not in str(Secrets.parse(["hush", "hush2"]))


def test_it_goes_to_another_process_whole() -> None:
    secrets = Secrets.parse(["new", "old"])

    assert pickle.loads(pickle.dumps(secrets)) == secrets
    assert [secret.reveal() for secret in secrets] == ["new", "old"]


def test_it_is_compared_by_its_text() -> None:
    assert Secret("é\ud800") == Secret("é\ud800")
    assert Secret("hush") != Secret("hush!")
    assert Secret("hush") != "hush"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize("value", ["", 3, None, [], ["a", ""], ["a", 3], [["a"]], {"a": "b"}], ids=str)
def test_what_is_no_secret_is_refused_without_being_repeated(value: object) -> None:
    with pytest.raises(ValueError, match=r"^(expected a text|a secret must not be empty)$"):
        Secrets.parse(value)


def test_there_are_at_most_eight_at_once() -> None:
    assert len(Secrets.parse(list("12345678"))) == 8
    with pytest.raises(ValueError, match=r"^expected at most 8 secrets$"):
        Secrets.parse(list("123456789"))


def test_a_configuration_shows_no_secret(file: Path) -> None:
    config = read(write(file, **ALL))

    assert "HIDDEN" not in repr(config)
    assert "HIDDEN" not in str(msgspec.to_builtins(config.inspector, enc_hook=str))


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("server", "prot = 1\nport = -1\npublic_url = 'x'"),
        ("journal", "path = ''\nkeep = 1"),
        ("sinks__archive", "kind = 'x'"),
        ("inspector", "token = ['HIDDEN']"),
        ("inspector", "token = 'HIDDEN with spaces'"),
        ("inspector", "token = '$HIDDEN'"),
        ("state", "url = 'mysql://user:HIDDEN@host/database'"),
        ("state", "url = 'postgresql://user:HIDDEN@word@host/database'"),
        ("state", "url = 'postgresql://user:p@host/database?HIDDEN'"),
        ("sources__other", "write_keys = ['HIDDEN-2', '']"),
        ("sources__other", "write_keys = 'HIDDEN'"),
        ("sources__other", "write_keys = ['a$HIDDEN']"),
        ("sources__other", "write_keys = ['k']\nsite_id = '1'\napi_tokens = ['HIDDEN-4']"),
        ("sources__other", "write_keys = ['k']\nsite_id = '1'\napi_tokens = ['HIDDEN-2']"),
        ("sources__other", "write_keys = ['HIDDEN']\nsite_id = '1'\napi_tokens = ['HIDDEN']"),
        ("sources__other", "write_keys = ['k']\napi_tokens = ['HIDDEN']"),
        ("sources__other", "write_keys = ['k']\napi_tokens = 'HIDDEN'"),
        ("sources__other", "write_keys = ['k']\nwebhook_secret = 'a$HIDDEN'"),
        ("sources__other", "write_keys = ['k']\nwebhook_secret = {a = 'HIDDEN'}"),
        (
            "sources__other",
            "write_keys = ['k']\nwebhook_secret = 'HIDDEN'\nwebhook = {fields = {event = 'e', userId = 'u'}}",
        ),
        (
            "sources__other",
            """write_keys = ['k']\nwebhook_secret = 'HIDDEN!'
            webhook = {signature = 'standard', fields = {event = 'e', userId = 'u'}}""",
        ),
    ],
)
def test_no_mistake_shows_a_secret(file: Path, table: str, text: str) -> None:
    found = mistakes(write(file, **ALL | {table: text}))

    assert found
    assert "HIDDEN" not in str(found)
