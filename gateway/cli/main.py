"""The command `gateway` and all that it can do."""

import click

from gateway.cli.check import check
from gateway.cli.journal.group import journal
from gateway.cli.products import products
from gateway.cli.send import send
from gateway.cli.serve import serve
from gateway.cli.sinks import sinks
from gateway.cli.tail import tail


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="event-gateway")
def main() -> None:
    """A gateway for customer events: it takes what SDKs, pixels and webhooks send, has it on disk before it
    answers, and delivers it to every sink."""


for command in (serve, check, tail, send, journal, sinks, products):
    main.add_command(command)
