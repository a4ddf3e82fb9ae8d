"""The group `gateway journal`."""

import click

from gateway.cli.journal.dump import dump
from gateway.cli.journal.stats import show
from gateway.cli.journal.verify import verify


@click.group()
def journal() -> None:
    """Verify the journal, print its events, and show statistics.

    Works while the gateway is running or stopped, and on copies of a journal. Never changes the journal.
    """


journal.add_command(verify)
journal.add_command(dump)
journal.add_command(show)
