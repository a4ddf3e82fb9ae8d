"""The command `gateway`, with its sub-commands."""

import os
from importlib import import_module
from typing import Any

import click

_MODULES = {
    "init": "init",
    "serve": "serve",
    "reload": "reload",
    "check": "check",
    "tail": "tail",
    "send": "send",
    "validate": "validate",
    "journal": "journal.group",
    "sinks": "sinks",
    "dead": "dead",
    "replay": "replay",
    "ledger": "ledger",
    "state": "migrate",
    "nodes": "nodes",
    "destinations": "destinations",
    "query": "query",
    "export": "export",
    "products": "products",
}
"""The file of each command. It is imported when the command is used, as every process imports this module."""


class _Commands(click.Group):
    """The commands, which end with 130 after Ctrl-C, as a shell expects."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        command: click.Command = getattr(import_module(f"gateway.cli.{_MODULES[cmd_name]}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            click.echo("gateway: interrupted", err=True)
            raise click.exceptions.Exit(130) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="event-gateway")
def main() -> None:
    """A gateway for customer events.

    It accepts events from SDKs, pixels and webhooks, syncs them to stable storage before it answers, and
    delivers them to every sink.

    Exit codes: 0 if all is well, 1 if something is wrong with the data (lines refused, events damaged), 2 if
    the command could not be carried out, such as after a mistake in the configuration, 130 after Ctrl-C.

    \b
    Examples:
      gateway serve
      gateway check --config /etc/gateway.toml
      gateway COMMAND --help
    """
    for name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
        os.environ.pop(name, None)  # another program's; prometheus-client would count in its folder
