"""The records at a place: in a file, or in a database on a server."""

from pathlib import Path

from gateway.postgresql.place import Place
from gateway.records.base import Catalogue, Table
from gateway.records.catalogue import FileCatalogue
from gateway.records.table import FileTable


def open_table(place: Place) -> Table:
    """Open a table; a file is created if it is missing. Raises JournalUnavailable."""
    if isinstance(place, Path):
        return FileTable(place)
    from gateway.records.remote import RemoteTable  # the driver is there if a server is configured

    return RemoteTable(place)


def open_catalogue(place: Place) -> Catalogue:
    """Return the products at a place; they are opened when first used."""
    if isinstance(place, Path):
        return FileCatalogue(place)
    from gateway.records.remote import RemoteCatalogue

    return RemoteCatalogue(place)
