"""gateway.toml: a table for webhooks is understood, and each mistake in it is one line."""

from pathlib import Path

import pytest

from gateway.config.file import load
from gateway.config.secret import Secrets
from gateway.config.tables import Config
from gateway.config.units import Duration
from gateway.errors import ConfigError
from gateway.webhooks import places
from gateway.webhooks.places import Entries, Place
from gateway.webhooks.signature import Hmac

TABLE = 'fields = {event = "$.kind", userId = "$.who"}'


def read(folder: Path, source: str, table: str = "") -> Config:
    file = folder / "gateway.toml"
    told = f"[sources.shop.webhook]\n{table}" if table else ""
    file.write_text(f'[sources.shop]\nwrite_keys = ["KEY"]\n{source}\n{told}\n[sinks.x]\nkind = "null"\n')
    return load(file, None, {"SECRET": "hush"})


def mistakes(folder: Path, source: str, table: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, source, table)
    assert not any("\n" in mistake or "hush" in mistake for mistake in caught.value.mistakes)
    return [mistake.removeprefix(f"{folder}/gateway.toml: ") for mistake in caught.value.mistakes]


def test_a_table_is_understood(tmp_path: Path) -> None:
    text = f'{TABLE}\nevents = "$.items[*]"\ntolerance = "1h"\nsignature = {{header = "X-Sign"}}'

    source = read(tmp_path, 'webhook_secret = "${SECRET}"', text).sources["shop"]

    assert source.webhook
    assert source.webhook.fields.user_id == places.Place.parse("$.who")
    assert source.webhook.fields.type == Place.parse("track")
    assert source.webhook.events == Entries("$.items")
    assert source.webhook.tolerance == Duration.parse("1h")
    assert (source.webhook.signature, source.webhook_secret) == (Hmac("X-Sign"), Secrets.parse("hush"))


def test_it_may_be_in_a_file_beside_the_configuration_or_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "webhooks").mkdir()
    (tmp_path / "webhooks/mine.toml").write_text(TABLE)

    named = read(tmp_path, 'webhook = "webhooks/mine.toml"').sources["shop"]
    inline = read(tmp_path, f"webhook = {{{TABLE}}}").sources["shop"]

    assert named.webhook == inline.webhook is not None


@pytest.mark.parametrize(
    ("source", "table", "expected"),
    [
        ("", f"{TABLE}\nx = 1", "[sources.shop.webhook] x: unknown key"),
        ("", 'signature = "github"', "[sources.shop.webhook] fields: missing"),
        ("", "fields = 3", "[sources.shop.webhook.fields]: expected a table"),
        ("", 'fields = {user = "$.a"}', "[sources.shop.webhook.fields] user: unknown key"),
        (
            "",
            'fields = {user_id = "$.a"}',
            "[sources.shop.webhook.fields] user_id: unknown key; did you mean",
        ),
        ("", 'fields = {userId = "$.a"}', "[sources.shop.webhook.fields] event: missing"),
        ("", 'fields = {event = "$.a"}', "[sources.shop.webhook.fields] userId: missing"),
        ("", 'fields = {type = "click", userId = "x"}', "[sources.shop.webhook.fields] type: 'click' is not"),
        ("", 'fields = {event = "$a"}', "[sources.shop.webhook.fields] event: expected a path such as"),
        ("", f'{TABLE}\nevents = "$.a"', "[sources.shop.webhook] events: expected a path to a list"),
        ("", f"{TABLE}\ntolerance = 300", "[sources.shop.webhook] tolerance: expected a duration"),
        ("", f'{TABLE}\nsignature = "gitlab"', "[sources.shop.webhook] signature: Invalid enum value"),
        (
            "",
            f"{TABLE}\nsignature = {{}}",
            "[sources.shop.webhook] signature: Object missing required field `header`",
        ),
        (
            "",
            f'{TABLE}\nsignature = {{header = "X", algorithm = "md5"}}',
            "[sources.shop.webhook] signature: Invalid enum value 'md5'",
        ),
        ("", f'{TABLE}\nsignature = "github"', "[sources.shop] webhook_secret: missing, or empty"),
        (
            'webhook_secret = "hush!"',
            f'{TABLE}\nsignature = "standard"',
            "[sources.shop] webhook_secret: expected base64",
        ),
        ('webhook_secret = "hush"', TABLE, "[sources.shop] webhook_secret: the `webhook` names no"),
        ('webhook = "none.toml"', "", "[sources.shop] webhook: FOLDER/none.toml: No such file or directory"),
        ('webhook = "${NONE}"', "", "[sources.shop] webhook: ${NONE} is not set in the environment"),
        ('webhook = "bad.toml"', "", "[bad.toml for sources.shop.webhook.fields] event: expected a path"),
        ('webhook = "no.toml"', "", "[sources.shop] webhook: FOLDER/no.toml: "),
        ('webhook = ""', "", "[sources.shop] webhook: expected a path"),
        ("webhook = 3", "", "[sources.shop.webhook]: expected a table"),
    ],
)
def test_a_mistake_names_table_and_key(tmp_path: Path, source: str, table: str, expected: str) -> None:
    (tmp_path / "bad.toml").write_text('fields = {event = "$a"}')
    (tmp_path / "no.toml").write_text("fields")

    found = mistakes(tmp_path, source, table)

    assert len(found) == 1
    assert found[0].replace(str(tmp_path), "FOLDER").startswith(expected)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    table = 'events = "x"\nfields = {event = "$a", userId = "@@", zzz = "$"}'

    assert len(mistakes(tmp_path, "", table)) == 4
