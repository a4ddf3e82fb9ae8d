"""The table of a destination sink: its mapping, its settings, and what is said of mistakes."""

import os
import socket
from pathlib import Path

import pytest

from gateway.config.secret import Secret
from gateway.sinks.destination import Destination
from tests.config import texts
from tests.sinks.test_destination import ACME, NAMED


def test_people_are_told_the_vendor_and_the_host() -> None:
    sink = Destination(name="ga4", settings={"measurement_id": Secret("G-1"), "api_secret": Secret("s")})

    assert sink.target == "ga4 at https://www.google-analytics.com"


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ("", "name: expected either name"),
        ('name = "ga5"', "name: expected one of "),
        ('name = "ga4"\nsettings = {api_secret = "s"}', "settings.measurement_id: missing: of the web data"),
        (
            'name = "ga4"\nsettings = {measurement_id = "G-1", api_secret = "s", valu = "x"}',
            "settings.valu: unknown",
        ),
        (
            'name = "ga4"\nsettings = {measurement_id = "UA-1", api_secret = "s"}',
            "settings.measurement_id: expected what matches G-[A-Z0-9]+",
        ),
        ('mapping = "no.toml"', "mapping: "),
    ],
)
def test_a_mistake_in_the_table_is_named(keys: str, mistake: str, tmp_path: Path) -> None:
    file = texts.write(tmp_path / "gateway.toml", sinks__ads=f'kind = "destination"\n{keys}')

    [said] = texts.mistakes(file)

    assert said.startswith(f"[sinks.ads] {mistake}")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        pytest.param("device", "is a device; expected a file", id="device"),
        pytest.param("folder", ": Is a directory", id="folder"),
        pytest.param("pipe", "is a pipe; expected a file", id="pipe"),
        pytest.param("socket", ": No such device or address", id="socket"),
        pytest.param("huge", " has more than 1048576 bytes", id="huge"),
        pytest.param("binary", ": 'utf-8' codec can't decode", id="binary"),
    ],
)
def test_what_is_no_file_of_bounded_size_is_no_mapping(kind: str, said: str, tmp_path: Path) -> None:
    mapping = Path("/dev/zero") if kind == "device" else tmp_path / "m"
    if kind == "folder":
        mapping.mkdir()
    elif kind == "pipe":
        os.mkfifo(mapping)
    elif kind == "huge":
        mapping.touch()
        os.truncate(mapping, 2**40)
    elif kind == "binary":
        mapping.write_bytes(b"\xff")
    with socket.socket(socket.AF_UNIX) as bound:
        if kind == "socket":
            bound.bind(str(mapping))

        [mistake] = texts.mistakes(
            texts.write(tmp_path / "g.toml", sinks__ads=f'kind = "destination"\nmapping = "{mapping}"')
        )

    assert mistake.startswith(f"[sinks.ads] mapping: {mapping}")
    assert said in mistake


def test_a_mistake_in_a_mapping_names_its_file_line_and_key(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(
        ACME.replace('user = "userId"', 'user = {from = "userId", do = ["trm"]}')
    )
    table = 'kind = "destination"\nmapping = "acme.toml"\nsettings = {token = "t"}'
    file = texts.write(tmp_path / "gateway.toml", sinks__ads=table)

    [said] = texts.mistakes(file)

    place = f"{tmp_path}/acme.toml:12: common.user.do[0]"
    assert said == f"[sinks.ads] mapping: {place}: there is no function 'trm'; did you mean trim?"


@pytest.mark.parametrize(
    ("send", "token", "mistake"),
    [
        pytest.param(
            'headers = {X-Key = {setting = "token"}}', "a\\r\\nHost: b", "'X-Key': not a header", id="lines"
        ),
        pytest.param('headers = {"X: a" = {setting = "token"}}', "t", "'X: a': not a header", id="a name"),
        pytest.param('headers = {Content-Length = {setting = "token"}}', "1", "is set by", id="a length"),
    ],
)
def test_a_setting_cannot_add_headers(send: str, token: str, mistake: str, tmp_path: Path) -> None:
    mapping = (
        f'[settings.token]\n[send]\nurl = "https://a.example"\n{send}\n[[rules]]\non = {{}}\na = "type"\n'
    )
    (tmp_path / "acme.toml").write_text(mapping)
    table = f'kind = "destination"\nmapping = "acme.toml"\nsettings = {{token = "{token}"}}'

    [said] = texts.mistakes(texts.write(tmp_path / "gateway.toml", sinks__ads=table))

    assert said.startswith("[sinks.ads] settings: the headers of send: ")
    assert mistake in said


def test_the_address_of_each_call_is_checked(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(
        '[settings.host]\n[send]\nurl = "https://a.example"\n'
        '[calls.more]\nurl = "https://u:p@{host}"\n[[rules]]\non = {}\na = "type"\n'
    )
    table = 'kind = "destination"\nmapping = "acme.toml"\nsettings = {host = "b.example"}'

    [said] = texts.mistakes(texts.write(tmp_path / "gateway.toml", sinks__ads=table))

    assert said.startswith("[sinks.ads] mapping: the url of more: the address must hold no user")


def test_a_mapping_that_changes_makes_another_sink(tmp_path: Path) -> None:
    table = 'kind = "destination"\nmapping = "acme.toml"\nsettings = {token = "t"}'
    file = texts.write(tmp_path / "gateway.toml", sinks__ads=table)
    read = []
    for text in (ACME, ACME, NAMED):
        (tmp_path / "acme.toml").write_text(text)
        read.append(texts.read(file).sinks["ads"])

    assert read[0] == read[1] != read[2]
