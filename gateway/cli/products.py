"""`gateway products`: import products into the catalogue."""

import os
from pathlib import Path

import click

from gateway.cli import importing
from gateway.cli.options import config_option, data_option, exiting_on_errors, fail
from gateway.config.file import load
from gateway.config.tables import Config
from gateway.errors import ConfigError, JournalUnavailable


@click.group()
def products() -> None:
    """Manage the catalogue, which adds missing properties to the products of events."""


@products.command("import")
@click.argument("products_file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--site", help="The site of the catalogue; default: the only one that is configured.")
@config_option
@data_option
def import_products(products_file: Path, site: str | None, file: Path | None, data: Path | None) -> None:
    """Merge products from FILE into the catalogue of a site.

    FILE has one product per line: a JSON object with its "id". Each refused line is printed with its number
    and the reason; the others are not affected. A running gateway uses the new properties from the next event
    on.

    Exit code 0 if all products were merged, 1 if some lines were refused, 2 if the import could not be
    finished; it may then be repeated.

    \b
    Examples:
      gateway products import products.jsonl
      gateway products import products.jsonl --site 29 --config /etc/gateway.toml
    """
    from gateway.durable import make_folder
    from gateway.home import Home
    from gateway.records.file import Import
    from gateway.records.places import open_table

    with exiting_on_errors():
        config = load(file, data, os.environ)
        site = _site(config, site)
    home = Home(config.journal.path, config.state.url)
    try:
        make_folder(home.folder)
        work = Import(products_file, open_table(home.products), site)
        importing.show(products_file, work, "merged")
    except (JournalUnavailable, OSError) as error:
        raise click.exceptions.Exit(fail(str(error))) from error


def _site(config: Config, wanted: str | None) -> str:
    sites = sorted({source.site_id for source in config.sources.values() if source.site_id})
    if not sites:
        raise ConfigError("a catalogue belongs to a site, and no source has a site_id")
    if wanted is None and len(sites) == 1:
        return sites[0]
    if wanted not in sites:
        raise ConfigError(f"--site: expected one of {', '.join(sites)}")
    return wanted
