"""Recognition of journals, partitions and journal files."""

import shutil
from pathlib import Path

import pytest

from gateway.journal.segments import files
from gateway.journal.segments.examine.inventory import Inventory, NotAJournal, find
from tests.build import JOURNAL, event_lines, keep


def listed(inventory: Inventory) -> dict[str, list[int]]:
    return {partition: [entry.first for entry in entries] for partition, entries in inventory.entries.items()}


def test_partitions_are_listed_in_numerical_order(tmp_path: Path) -> None:
    for partition in ("10", "9"):
        keep(tmp_path / partition, event_lines(0, 2))
    keep(tmp_path / "9", event_lines(2, 3))
    (tmp_path / "quarantine").mkdir()

    found = find(tmp_path)

    assert (listed(found), list(found.entries)) == ({"9": [0, 2], "10": [0]}, ["9", "10"])
    assert found.journal == JOURNAL


def test_a_folder_without_files_is_a_partition(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()

    found = find(tmp_path)

    assert (listed(found), found.journal) == ({"0": []}, None)


def test_the_partition_of_a_copied_folder_is_read_from_its_files(tmp_path: Path) -> None:
    keep(tmp_path / "3", event_lines(0, 2))
    copy = shutil.copytree(tmp_path / "3", tmp_path / "backup")

    found = find(copy)

    assert listed(found) == {"3": [0]}
    assert not found.entries["3"][0].mismatch


def test_the_partition_and_number_of_a_renamed_file_are_read_from_its_header(tmp_path: Path) -> None:
    keep(tmp_path / "3", event_lines(0, 2))
    copy = shutil.copy(keep(tmp_path / "3", event_lines(2, 4)), tmp_path / "copy.bin")

    found = find(Path(copy))

    assert listed(found) == {"3": [2]}
    assert not found.entries["3"][0].mismatch


def test_a_file_with_a_damaged_header_is_identified_by_its_name(tmp_path: Path) -> None:
    file = keep(tmp_path / "3", event_lines(0, 2))
    file.write_bytes(bytes(file.stat().st_size))

    found = find(file)

    assert listed(found) == {"3": [0]}
    assert found.entries["3"][0].header is None


def test_the_journal_id_is_that_of_most_files(tmp_path: Path) -> None:
    for _ in range(3):
        file = keep(tmp_path / "0", event_lines(0, 1))
    descriptor = file.open("r+b")
    with descriptor:
        header = files.read_header(descriptor.fileno())
        end = files.read_end(descriptor.fileno())
        assert header
        assert end
        other = files.Header(bytes(16), header.partition, header.epoch, header.first, header.begun_at)
        files.write_header(descriptor.fileno(), other, end)

    found = find(tmp_path)

    assert found.journal == JOURNAL
    assert [bool(entry.mismatch) for entry in found.entries["0"]] == [False, False, True]


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotAJournal, match="none does not exist; give the folder"):
        find(tmp_path / "none")


def test_a_folder_without_partitions_is_not_a_journal(tmp_path: Path) -> None:
    with pytest.raises(NotAJournal, match="is not a journal; it has no partitions and no journal files"):
        find(tmp_path)


def test_the_error_for_a_data_folder_names_its_journal(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()

    with pytest.raises(NotAJournal, match=f"did you mean {tmp_path}/journal"):
        find(tmp_path)


def test_a_file_of_another_kind_is_not_a_journal(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("notes")

    with pytest.raises(NotAJournal, match=r"notes\.txt is not a journal file"):
        find(file)


def test_the_format_of_a_later_version_is_refused(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 1))
    content = bytearray(file.read_bytes())
    content[6] = content[2048 + 6] = 9
    file.write_bytes(content)

    with pytest.raises(NotAJournal, match=r"has format 9, .*: use the later version"):
        find(tmp_path)


@pytest.mark.parametrize("place", ["", "0"], ids=["journal", "partition"])
def test_the_journal_of_an_earlier_version_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / f"{0:020d}.db").write_bytes(b"")

    with pytest.raises(NotAJournal, match="holds a journal of an earlier version"):
        find(tmp_path / place)
