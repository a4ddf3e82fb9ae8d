"""`gateway journal stats`."""

from pathlib import Path

from gateway.journal.segments.files import Header
from tests.build import JOURNAL, event_lines, keep
from tests.cli.journal.calling import EPOCH, HOUR, ID, TEN_AN_HOUR, objects, run
from tests.journal.crafted import chunk_of, write_file


def test_the_table_has_a_row_per_partition_and_a_total(tmp_path: Path) -> None:
    for partition in (0, 1):
        write_file(tmp_path / str(partition), Header(JOURNAL, partition, EPOCH, 0, 0), *TEN_AN_HOUR)

    result = run("stats", tmp_path)
    title, *tables = result.stdout.rstrip().split("\n\n")
    sizes, times, rates = ([" ".join(row.split()) for row in table.splitlines()] for table in tables)

    assert (result.exit_code, result.stderr) == (0, "")
    assert title == f"{tmp_path}: journal {ID}, format 1"
    assert [row.split(" ")[0] for row in sizes] == ["partition", "0", "1", "all"]
    assert [row.rpartition(" 0 B ")[2] for row in sizes[1:]] == ["490 49", "490 49", "980 98"]
    assert times[2:] == ["1 1/0 1970-01-01 00:00:00 1/489 1970-01-03 00:00:00"]
    assert rates[2:] == [f"1 10.0 10 240 10 {EPOCH}", "all 10.0 10 480 20"]


def test_counts_can_be_printed_as_json(tmp_path: Path) -> None:
    file = write_file(tmp_path / "0", Header(JOURNAL, 0, EPOCH, 0, 0), *TEN_AN_HOUR)

    result = run("stats", tmp_path, "--json")

    common = {
        "files": 1,
        "bytes": file.stat().st_size,
        "prepared_bytes": 0,
        "events": 490,
        "chunks": 49,
        "largest_chunk": 10,
        "chunks_exact": True,
        "last_day": 240,
        "events_an_hour": 10,
        "events_a_chunk": 10.0,
        "oldest_received_at": "1970-01-01T00:00:00.000Z",
        "newest_received_at": "1970-01-03T00:00:00.000Z",
    }
    assert objects(result) == [
        {"partition": "0", **common, "oldest": "0/0", "newest": "0/489", "epochs": [str(EPOCH)]},
        {"journal": ID, "format": 1, "partitions": 1, **common},
    ]


def test_estimates_are_marked(tmp_path: Path) -> None:
    chunks = [chunk_of(number, number + 1) for number in range(2001)]
    write_file(tmp_path / "0", Header(JOURNAL, 0, 7, 0, 0), *chunks)

    result = run("stats", tmp_path)

    assert "~2,001" in result.stdout
    assert result.stdout.endswith(
        "\n~ estimated from the first 2,000 chunks of each file; all other figures are exact\n"
    )


def test_a_damaged_first_page_is_reported_on_standard_error(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2))
    content = bytearray(file.read_bytes())
    content[512] ^= 1
    file.write_bytes(content)

    result = run("stats", tmp_path)

    assert (result.exit_code, result.stderr) == (1, f"gateway: {file}: its first page is damaged\n")


def test_one_partition_has_no_total_and_less_than_an_hour_no_rate(tmp_path: Path) -> None:
    chunks = [chunk_of(0, 2, at=0), chunk_of(2, 4, at=HOUR - 1)]
    write_file(tmp_path / "0", Header(JOURNAL, 0, 7, 0, 0), *chunks)

    rows = [" ".join(row.split()) for row in run("stats", tmp_path).stdout.splitlines()]
    partition, sums = objects(run("stats", tmp_path, "--json"))

    assert rows[-2:] == ["partition events/chunk largest last day events/hour newest epoch", "0 2.0 2 4 7"]
    assert "events_an_hour" not in {**partition, **sums}
