"""`gateway products`: the catalogue."""

import os
import sys
from pathlib import Path

import click

from gateway.cli.options import config_option, data_option, exiting_on_errors, fail
from gateway.config.file import load
from gateway.config.tables import Config
from gateway.errors import ConfigError, JournalUnavailable


@click.group()
def products() -> None:
    """The catalogue, from which events get what they do not say of their products."""


@products.command("import")
@click.argument("products_file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--site", help="The site whose catalogue it is; else the only one that is configured.")
@config_option
@data_option
def import_products(products_file: Path, site: str | None, file: Path | None, data: Path | None) -> None:
    """Merge FILE into the catalogue: one product a line, a JSON object with its "id".

    Lines that are wrong are listed with their number, and cost no other. The gateway may be running: it
    uses the new properties from the next event on. Exit code 0 if all lines were good, 1 if some were
    not, 2 if it could not be finished.
    """
    from gateway.durable import make_folder
    from gateway.home import Home
    from gateway.records.file import Import
    from gateway.records.table import Table

    with exiting_on_errors():
        config = load(file, data, os.environ)
        site = _site(config, site)
    home = Home(config.journal.path)
    try:
        make_folder(home.folder)
        work = Import(products_file, Table(home.products), site)
        size = products_file.stat().st_size
        with click.progressbar(length=size, label=products_file.name, file=sys.stderr) as bar:
            for faults in work.run():
                for fault in faults:
                    click.echo(f"{products_file}:{fault.line}: {fault.code}: {fault.detail}")
                bar.update(work.offset - bar.pos)
    except (JournalUnavailable, OSError) as error:
        raise click.exceptions.Exit(fail(str(error))) from error
    click.echo(f"{work.accepted} merged, {work.refused} refused.", err=True)
    if work.refused:
        raise click.exceptions.Exit(1)


def _site(config: Config, wanted: str | None) -> str:
    sites = sorted({source.site_id for source in config.sources.values() if source.site_id})
    if not sites:
        raise ConfigError("a catalogue belongs to a site: give a source its site_id")
    if wanted is None and len(sites) == 1:
        return sites[0]
    if wanted not in sites:
        raise ConfigError(f"--site: say which one it is of {', '.join(sites)}")
    return wanted
