"""The cache of real clients."""

import json
from pathlib import Path

import pytest

from tests.clients import install


def test_a_folder_is_filled_once(tmp_path: Path) -> None:
    folder = tmp_path / "cache/client"

    install.complete(folder, lambda unfinished: (unfinished / "file").write_text("first"))
    install.complete(folder, lambda unfinished: (unfinished / "file").write_text("second"))

    assert (folder / "file").read_text() == "first"


def test_a_folder_that_could_not_be_filled_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "cache/client"

    def fail(unfinished: Path) -> None:
        (unfinished / "half").write_text("of it")
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        install.complete(folder, fail)

    assert list(folder.parent.iterdir()) == []


def test_another_version_has_another_folder() -> None:
    folders = {install.python(requirement) for requirement in install.PYTHON}

    assert len(folders) == len(install.PYTHON)


def test_the_lock_file_leaves_it_to_npm_where_packages_come_from() -> None:
    lock = json.loads(install.LOCK.read_text())

    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
