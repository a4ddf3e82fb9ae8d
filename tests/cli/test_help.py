"""`--help` teaches: what a command does, its exit codes, and an example that works."""

import re
import shlex

import click
import pytest
from click.testing import CliRunner

from gateway.cli.main import main

COMMANDS = [
    "init",
    "serve",
    "reload",
    "check",
    "tail",
    "send",
    "query",
    "export",
    "products import",
    "journal verify",
    "journal dump",
]


def shown(command: str) -> str:
    return CliRunner().invoke(main, [*command.split(), "--help"]).output


def example_lines(command: str) -> list[str]:
    lines = [
        line.strip() for line in shown(command).partition("Examples:\n")[2].split("\n\n")[0].splitlines()
    ]
    return [line.partition(" | ")[0].partition(" && ")[0] for line in lines]


def resolve(command: str) -> click.Command:
    found: click.Command = main
    for word in command.split():
        assert isinstance(found, click.Group)
        command_of_group = found.get_command(click.Context(found), word)
        assert command_of_group
        found = command_of_group
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_it_says_the_exit_codes(command: str) -> None:
    assert re.search("Exit codes?:? 0", shown(command))


@pytest.mark.parametrize("command", COMMANDS)
def test_its_examples_are_commands_that_exist(command: str) -> None:
    examples = example_lines(command)

    assert examples
    for line in examples:
        words = [word for word in shlex.split(line) if "=" not in word]
        assert words[: 1 + len(command.split())] == ["gateway", *command.split()]
        options = {option for parameter in resolve(command).params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= {"-", *options}


def test_the_group_explains_what_the_exit_codes_mean() -> None:
    assert "Exit codes: 0 if all is well" in CliRunner().invoke(main, ["--help"]).output


def options_of_groups() -> list[tuple[str, str]]:
    """The options of groups of commands, without --help, each with its group."""
    groups = {name: resolve(name) for name in main.list_commands(click.Context(main))}
    return [
        (name, option.opts[0])
        for name, group in groups.items()
        for option in group.params
        if isinstance(group, click.Group)
    ]


@pytest.mark.parametrize(("group", "option"), options_of_groups())
def test_an_option_before_a_sub_command_is_not_ignored(group: str, option: str) -> None:
    found = resolve(group)
    assert isinstance(found, click.Group)
    [flag] = [each for each in found.params if each.opts[0] == option]
    value = [] if isinstance(flag, click.Option) and flag.is_flag else ["elsewhere"]
    sub_command = next(iter(found.commands))

    result = CliRunner().invoke(main, [group, option, *value, sub_command])

    assert result.exit_code == 2
    assert f"{option} belongs behind {sub_command}" in result.stderr


@pytest.mark.parametrize("command", ["dead list", "dead show", "dead retry", "replay cancel", "journal dump"])
def test_it_does_not_spell_out_what_a_database_can_hold(command: str) -> None:
    assert "RANGE" not in shown(command)
    assert "9223372036854775807" not in shown(command)
