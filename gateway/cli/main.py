"""The command `gateway`, with its sub-commands."""

import os
from typing import Any

import click

from gateway.cli.check import check
from gateway.cli.dead import dead
from gateway.cli.init import init
from gateway.cli.journal.group import journal
from gateway.cli.ledger import ledger
from gateway.cli.products import products
from gateway.cli.reload import reload
from gateway.cli.replay import replay
from gateway.cli.send import send
from gateway.cli.serve import serve
from gateway.cli.sinks import sinks
from gateway.cli.tail import tail


class Interruptible(click.Group):
    """A group whose commands end with 130 after Ctrl-C, as a shell expects."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            click.echo("gateway: interrupted", err=True)
            raise click.exceptions.Exit(130) from error


@click.group(cls=Interruptible, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="event-gateway")
def main() -> None:
    """A gateway for customer events.

    It accepts events from SDKs, pixels and webhooks, has them on stable storage before it answers, and
    delivers them to every sink.

    Exit codes: 0 if all is well, 1 if something is wrong with the data (lines refused, events damaged), 2 if
    the command could not be carried out, such as with a mistake in the configuration, 130 after Ctrl-C.

    \b
    Examples:
      gateway serve
      gateway check --config /etc/gateway.toml
      gateway COMMAND --help
    """
    for name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
        os.environ.pop(name, None)  # another program's, in whose folder prometheus-client would count


for command in (init, serve, reload, check, tail, send, journal, sinks, dead, replay, ledger, products):
    main.add_command(command)
