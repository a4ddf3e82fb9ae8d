"""The command `gateway`, with its sub-commands."""

import os

import click

from gateway.cli.check import check
from gateway.cli.journal.group import journal
from gateway.cli.products import products
from gateway.cli.reload import reload
from gateway.cli.send import send
from gateway.cli.serve import serve
from gateway.cli.sinks import sinks
from gateway.cli.tail import tail


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="event-gateway")
def main() -> None:
    """A gateway for customer events.

    It accepts events from SDKs, pixels and webhooks, has them on stable storage before it answers, and
    delivers them to every sink.

    Exit codes: 0 if all is well, 1 if something is wrong with the data (lines refused, events damaged), 2 if
    the command could not be carried out, such as with a mistake in the configuration.

    \b
    Examples:
      gateway serve
      gateway check --config /etc/gateway.toml
      gateway COMMAND --help
    """
    for name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
        os.environ.pop(name, None)  # another program's, in whose folder prometheus-client would count


for command in (serve, reload, check, tail, send, journal, sinks, products):
    main.add_command(command)
