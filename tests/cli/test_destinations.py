"""`gateway destinations`: vendors, and what a mapping makes of events."""

import base64
import json
from base64 import b64encode
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.destinations import vendor as vendors
from tests.build import event_line
from tests.config import texts

ORDER = {"type": "track", "userId": "u1", "event": "Order Completed"}
COMPLETE = {"order_id": "o1", "currency": "EUR", "revenue": 5, "products": [{"product_id": "p1"}]}


def run(*arguments: str, lines: str = "") -> Result:
    return CliRunner().invoke(main, ["destinations", *arguments], input=lines)


def test_vendors_are_listed_with_their_settings() -> None:
    result = run()

    assert "ga4  Google Analytics 4" in result.output
    assert "  api_secret (required, secret): from Admin" in result.output
    assert "  value = 'total': the amount" in result.output


def test_the_list_can_be_json() -> None:
    found = {each["name"]: each for each in map(json.loads, run("--json").output.splitlines())}

    assert tuple(found) == vendors.names()
    assert found["ga4"]["settings"]["api_secret"]["secret"] is True


def test_requests_are_printed_as_they_would_be_sent() -> None:
    result = run("try", "ga4", "-", lines=json.dumps({**ORDER, "properties": COMPLETE}))

    assert result.exit_code == 0
    assert result.output.startswith("POST https://www.google-analytics.com/mp/collect?api_secret=********&")
    assert '"transaction_id": "o1"' in result.output


def test_what_breaks_a_rule_is_named() -> None:
    result = run(
        "try", "ga4", "-", lines=f"{json.dumps(ORDER)}\n{json.dumps({'type': 'alias', 'userId': 'u'})}\n"
    )

    assert result.exit_code == 1
    assert "event 1: missing_transaction_id: nothing is found for transaction_id" in result.output
    assert "event 2: filtered (type): the mapping has no rule for alias" in result.output


def test_events_of_the_journal_keep_their_time() -> None:
    result = run("try", "ga4", "-", lines=event_line().decode())

    assert "event 1: too_old: " in result.output


def test_a_sink_has_the_settings_of_its_table_and_its_secrets_are_masked(tmp_path: Path) -> None:
    table = 'kind = "destination"\nname = "meta"\nsettings = {pixel_id = "77", access_token = "very-secret"}'
    file = texts.write(tmp_path / "gateway.toml", sinks__ads=table)
    event = {
        **ORDER,
        "properties": COMPLETE,
        "context": {"userAgent": "M", "page": {"url": "https://a.example"}},
    }

    result = run("try", "ads", "-", "--config", str(file), lines=json.dumps(event))

    assert "POST https://graph.facebook.com/v25.0/77/events" in result.output
    assert '"access_token": "********"' in result.output
    assert "very-secret" not in result.output


def test_what_a_mapping_makes_of_a_secret_is_no_secret_either(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        "[settings.token]\nsecret = true\n"
        '[send]\nurl = "https://a.example/in"\n'
        '[send.headers]\nAuthorization = {from = {setting = "token"}, do = ["base64", "prefix:Basic "]}\n'
        '[[rules]]\non = {}\nwhat = "event"\nkey = {setting = "token"}\n'
    )
    table = 'kind = "destination"\nmapping = "mine.toml"\nsettings = {token = "quo\\"ted-secret"}'
    file = texts.write(tmp_path / "gateway.toml", sinks__ads=table)

    result = run("try", "ads", "-", "--config", str(file), lines=json.dumps(ORDER))

    assert result.exit_code == 0
    assert base64.b64encode(b'quo"ted-secret').decode() not in result.output
    assert "ted-secret" not in result.output
    assert '"key": "********"' in result.output


def test_a_mapping_can_be_tried_before_it_is_configured(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[send]\nurl = "https://a.example/in"\n[[rules]]\non = {type = "track"}\nwhat = "event"\n'
    )

    result = run("try", str(file), "-", lines=json.dumps(ORDER))

    assert result.output == 'POST https://a.example/in\n{\n  "what": "Order Completed"\n}\n\n'


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("ga5", "", "ga5: expected a sink of kind destination, the file of a mapping, or one of "),
        (
            "mine.toml",
            "[send]\nurl = 'https://a.example'\n[[rules]]\non = {typ = 'x'}\n",
            "mine.toml:4: rules[0].on: ",
        ),
        ("mine.toml", "[send", "mine.toml: Expected ']'"),
    ],
)
def test_what_cannot_be_tried_is_said(
    name: str, content: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(content)

    result = run("try", name, "-")

    assert (result.exit_code, said in result.stderr) == (2, True)


def test_a_file_that_holds_no_events_is_refused() -> None:
    result = run("try", "ga4", "-", lines="{}x")

    assert (result.exit_code, result.stderr) == (
        2,
        "gateway: event 1: Extra data: line 1 column 3 (char 2)\n",
    )


def test_the_schema_is_printed() -> None:
    assert json.loads(run("schema").output)["title"] == "Mapping of a destination"


def test_a_secret_is_masked_before_a_mapping_can_encode_it(tmp_path: Path) -> None:
    table = 'kind = "destination"\nname = "mixpanel"\nsettings = {token = "very-secret"}'
    file = texts.write(tmp_path / "gateway.toml", sinks__product=table)

    result = run("try", "product", "-", "--config", str(file), lines=json.dumps(ORDER))

    assert f"Authorization: Basic {b64encode(b'********:').decode()}\n" in result.output
    assert b64encode(b"very-secret:").decode() not in result.output


def test_a_form_is_printed_by_its_fields() -> None:
    alias = {"type": "alias", "previousId": "old", "userId": "new"}

    result = run("try", "amplitude", "-", lines=json.dumps(alias))

    assert result.exit_code == 0
    assert '"api_key": "********"' in result.output
    assert r'"mapping": "[{\"user_id\":\"old\",\"global_user_id\":\"new\"}]"' in result.output
