"""The group `gateway journal`."""

import click

from gateway.cli.journal.copy import copy
from gateway.cli.journal.dump import dump
from gateway.cli.journal.stats import show
from gateway.cli.journal.verify import verify


@click.group()
def journal() -> None:
    """Verify the journal, print its events, show statistics, and copy it to another engine.

    All but `copy` work whether or not the gateway is running, and on copies of a journal, and never change
    the journal.
    """


journal.add_command(copy)
journal.add_command(verify)
journal.add_command(dump)
journal.add_command(show)
