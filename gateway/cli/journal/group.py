"""The group `gateway journal`."""

import click

from gateway.cli.journal.dump import dump
from gateway.cli.journal.stats import show
from gateway.cli.journal.verify import verify


@click.group()
def journal() -> None:
    """Check the journal, print its events, count them.

    Works on the journal of a gateway that is running or stopped, and on copies. Nothing in it is changed.
    """


journal.add_command(verify)
journal.add_command(dump)
journal.add_command(show)
