"""Values of gateway.toml that come from the environment: as in a shell, or a mistake."""

from pathlib import Path
from typing import Any

import pytest

from gateway.config.environment import fill
from gateway.config.file import load
from gateway.config.secret import Secret
from gateway.sinks import KINDS
from gateway.sinks.json_lines import JsonLines
from tests.config.texts import mistakes, read, write

FORMS = 'a "$" must begin "${NAME}", "${NAME:-default}" or "${NAME:?}"; a dollar sign is "$$"'
VARIABLES = {"SET": "value", "EMPTY": "", "_1": "one"}


def test_a_reference_is_replaced_anywhere_in_a_text(file: Path) -> None:
    write(
        file,
        sources__website='write_keys = ["${KEY}", "a${KEY}b", "$$KEY"]\nmax_event = "${LIMIT}KB"',
        journal='path = "${ROOT}/journal"',
    )

    config = read(file, {"KEY": "k${X}", "LIMIT": "3", "ROOT": "/data"})

    assert config.sources["website"].write_keys == ("k${X}", "ak${X}b", "$KEY")
    assert config.sources["website"].max_event == 3 * 1024
    assert config.journal.path == Path("/data/journal")


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${SET}", "value"),
        ("${EMPTY}", ""),
        ("${_1}${SET}", "onevalue"),
        ("${SET:-x}", "value"),
        ("${EMPTY:-x}", "x"),
        ("${UNSET:-x}", "x"),
        ("${UNSET:-}", ""),
        ("${UNSET:-a b:-c?/é}", "a b:-c?/é"),
        ("${SET:?}", "value"),
        ("${SET:?must be set}", "value"),
        ("$$", "$"),
        ("$${SET}", "${SET}"),
        ("$$$$SET", "$$SET"),
        ("$$${SET}", "$value"),
        ("100%", "100%"),
        (["${SET}", {"a": "$$"}, 3, True], ["value", {"a": "$"}, 3, True]),
    ],
    ids=str,
)
def test_references_are_those_of_a_shell(text: Any, filled: Any) -> None:
    assert fill(text, VARIABLES) == filled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${UNSET}", "${UNSET} is not set in the environment"),
        ("${UNSET:?}", "${UNSET} is not set in the environment, or empty"),
        ("${EMPTY:?}", "${EMPTY} is not set in the environment, or empty"),
        ("${UNSET:?ask the operators}", "${UNSET}: ask the operators"),
        *(
            (text, FORMS)
            for text in (
                "$SET",
                "a$",
                "$ SET",
                "$(SET)",
                "$1",
                "$$$SET",
                "${}",
                "${SET",
                "${ SET}",
                "${1SET}",
                "${SÉT}",
                "${SET-x}",
                "${SET?}",
                "${SET:=x}",
                "${SET:+x}",
                "${SET:0:1}",
                "${SET%x}",
                "${#SET}",
                "${SET:-${EMPTY}}",
                "${SET:-$$}",
            )
        ),
    ],
)
def test_what_a_shell_would_take_for_something_else_is_a_mistake(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"\$") as caught:
        fill(text, VARIABLES)

    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("key", "text", "environment", "mistake"),
    [
        ("write_keys", '["$KEY"]', {"KEY": "k"}, FORMS),
        ("write_keys", '["${KEY}"]', {}, "${KEY} is not set in the environment"),
        ("write_keys", '["${KEY}"]', {"KEY": ""}, "there must be at least one, and none may be empty"),
        ("write_keys", '["${KEY:-}"]', {}, "there must be at least one, and none may be empty"),
        ("webhook_secret", '"${SECRET}"', {"SECRET": ""}, "${SECRET} is empty"),
        ("webhook_secret", '"${SECRET:-}"', {}, "${SECRET:-} is empty"),
        ("webhook_secret", '"${SECRET:?}"', {}, "${SECRET} is not set in the environment, or empty"),
        ("webhook_secret", '""', {}, "a secret must not be empty"),
        ("webhook_secret", '["new", "${OLD}"]', {"OLD": ""}, "a secret must not be empty"),
        ("webhook_secret", "[]", {}, "a secret must not be empty"),
        ("api_tokens", '["${TOKEN}"]', {"TOKEN": ""}, "a secret must not be empty - at `$[0]`"),
        ("api_tokens", '["a", ""]', {}, "a secret must not be empty - at `$[1]`"),
    ],
)
def test_an_empty_or_missing_secret_is_a_mistake(
    file: Path, key: str, text: str, environment: dict[str, str], mistake: str
) -> None:
    keys = {"write_keys": '["k"]'} | {key: text}
    write(file, sources__website='site_id = "1"\n' + "\n".join(f"{k} = {v}" for k, v in keys.items()))

    assert mistakes(file, environment) == [f"[sources.website] {key}: {mistake}"]


def test_an_empty_token_of_the_inspector_is_a_mistake_unless_it_is_written_so(file: Path) -> None:
    assert read(write(file, inspector='token = ""')).inspector.token == Secret("")

    write(file, inspector='token = "${TOKEN}"')

    assert mistakes(file, {"TOKEN": ""}) == ["[inspector] token: ${TOKEN} is empty"]


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ('port = "${PORT}"', {"PORT": "9000"}),
        ('port = "${PORT:-9000}"', {}),
        ('port = "9${PORT}"', {"PORT": "000"}),
    ],
)
def test_a_number_may_come_from_the_environment(file: Path, text: str, environment: dict[str, str]) -> None:
    assert read(write(file, server=text), environment).server.port == 9000


def test_a_number_that_may_be_left_out_may_come_from_the_environment(file: Path) -> None:
    write(file, sources__website='write_keys = ["k"]\nmax_events = "${N}"')

    assert read(file, {"N": "7"}).sources["website"].max_events == 7


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_a_boolean_may_come_from_the_environment(file: Path, text: str, value: bool) -> None:
    write(
        file,
        sources__website='write_keys = ["k"]\nenabled = "${X}"\nidentity = {heed_opt_out = "${X}"}',
        sinks__archive='kind = "json_lines"\npath = "a"\nrotate_daily = "${X}"',
    )

    config = read(file, {"X": text})

    source = config.sources["website"]
    assert (source.enabled, source.identity and source.identity.heed_opt_out) == (value, value)
    assert config.sinks == {"archive": JsonLines(path=file.parent / "a", rotate_daily=value)}


@pytest.mark.parametrize(
    ("table", "text", "variable", "mistake"),
    [
        ("server", "port", "", "[server] port: ${X}: expected a number, or true or false"),
        ("server", "port", "http", "[server] port: ${X}: expected a number, or true or false"),
        ("server", "port", "80.5", "[server] port: ${X}: expected a number, or true or false"),
        ("server", "port", "1_000", "[server] port: ${X}: expected a number, or true or false"),
        ("server", "port", " 80", "[server] port: ${X}: expected a number, or true or false"),
        ("server", "port", "٨٠", "[server] port: ${X}: expected a number, or true or false"),
        ("server", "port", "9" * 5000, "[server] port: ${X}: expected a number, or true or false"),
        ("server", "port", "70000", "[server] port: Expected `int` <= 65535"),
        ("server", "port", "true", "[server] port: Expected `int`, got `bool`"),
        ("delivery", "processes", "-1", "[delivery] processes: Expected `int` >= 0"),
        ("sinks.x", 'kind = "stdout"\ntypes', "1", "[sinks.x] types: Expected `array`, got `str`"),
    ],
)
def test_what_is_no_number_or_boolean_stays_a_mistake(
    file: Path, table: str, text: str, variable: str, mistake: str
) -> None:
    write(file, **{table.replace(".", "__"): f'{text} = "${{X}}"'})

    assert mistakes(file, {"X": variable}) == [mistake]


@pytest.mark.parametrize("variable", ["1", "yes", "True", "on", ""])
def test_a_boolean_is_spelled_as_in_toml(file: Path, variable: str) -> None:
    write(file, sources__website='write_keys = ["k"]\nenabled = "${X}"')

    [mistake] = mistakes(file, {"X": variable})

    assert mistake in (
        "[sources.website] enabled: ${X}: expected a number, or true or false",
        "[sources.website] enabled: Expected `bool`, got `int`",
    )


def test_a_text_is_not_taken_for_a_number(file: Path) -> None:
    write(file, server='host = "${HOST}"', sources__website='write_keys = ["${KEY}"]\nsite_id = "${SITE}"')

    config = read(file, {"HOST": "1", "KEY": "true", "SITE": "29"})

    source = config.sources["website"]
    assert (config.server.host, source.write_keys, source.site_id) == ("1", ("true",), "29")


def test_even_the_kind_of_a_sink_may_come_from_the_environment(file: Path) -> None:
    write(file, sinks__archive='kind = "${KIND}"')

    assert read(file, {"KIND": "null"}).sinks == {"archive": KINDS["null"]()}


def test_a_path_into_a_webhook_keeps_its_dollar(file: Path) -> None:
    write(
        file,
        sources__website='write_keys = ["k"]\n[sources.website.webhook]\nevents = "$.items[*]"\n'
        'fields = {event = "@.${NAME}", userId = "$.user.id", properties = "$"}',
    )

    webhook = read(file, {"NAME": "what"}).sources["website"].webhook

    assert webhook
    assert [str(place) for place in webhook.fields.places().values()][1:] == ["$.user.id", "@.what", "$"]


def test_a_broken_reference_among_paths_is_a_mistake_all_the_same(file: Path) -> None:
    write(
        file,
        sources__website='write_keys = ["k"]\n[sources.website.webhook]\n'
        'fields = {event = "${NAME", userId = "${NAME-x}"}',
    )

    assert mistakes(file) == [
        f"[sources.website.webhook.fields] event: {FORMS}",
        f"[sources.website.webhook.fields] userId: {FORMS}",
    ]


def test_a_folder_with_a_dollar_in_its_name_is_no_reference(tmp_path: Path, file: Path) -> None:
    data = tmp_path / "${HOME}$x"

    assert load(write(file), data, {}).journal.path == data / "journal"
