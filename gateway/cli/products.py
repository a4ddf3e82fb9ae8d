"""`gateway products`: import products into the catalogue."""

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
    """Manage the catalogue, which adds missing properties to the products of events."""


@products.command("import")
@click.argument("products_file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--site", help="Site of the catalogue [default: the configured site, if there is only one].")
@config_option
@data_option
def import_products(products_file: Path, site: str | None, file: Path | None, data: Path | None) -> None:
    """Merge the products in FILE into the catalogue: one JSON object with an "id" per line.

    Invalid lines are listed with their numbers and skipped. The gateway may be running; new properties are
    used from the next event on. An import may be repeated.

    Exit codes: 0 all lines were merged; 1 some lines were refused; 2 the import did not finish.
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
        raise ConfigError("a catalogue belongs to a site: set site_id on a source")
    if wanted is None and len(sites) == 1:
        return sites[0]
    if wanted not in sites:
        raise ConfigError(f"--site: choose one of {', '.join(sites)}")
    return wanted
