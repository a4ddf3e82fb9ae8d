"""Operators see and order the whole, at whatever gateway; a sink of one machine is with the gateway it names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.gateways import WAREHOUSE, Cluster, cluster, send
from tests.gateway import until

FILE = """
[sinks.archive]
kind = "json_lines"
path = "data/events.jsonl"
node = "two"
"""


@pytest.fixture
def filing(tmp_path: Path, journal: str) -> Iterator[Cluster]:
    with cluster(tmp_path, journal, FILE) as made:
        yield made


def test_a_file_is_written_by_the_gateway_that_is_named_and_by_no_other(filing: Cluster) -> None:
    one, two = filing.start("one"), filing.start("two")

    ids = send(one, 0, 100) + send(two, 100, 200)

    assert sorted(event["messageId"] for event in two.delivered(200)) == ids
    assert one.events() == []
    assert filing.leases("archive") == {"two": ["0", "1", "2", "3"]}


def test_a_file_waits_for_its_gateway_and_goes_on_where_it_was(filing: Cluster) -> None:
    one, two = filing.start("one"), filing.start("two")
    ids = send(one, 0, 100)
    two.delivered(100)

    two.stop()
    ids += send(one, 100, 200)
    two.start()

    assert sorted(event["messageId"] for event in two.delivered(200)) == ids
    two.stop()


def test_a_pause_and_a_skip_and_a_resume_reach_whatever_gateway_has_the_partitions(gateways: Cluster) -> None:
    one, two = gateways.start("one"), gateways.start("two")
    gateways.share("one", "two")
    before = send(one, 0, 100)
    gateways.delivered(before)

    gateways.command("one", "sinks", "pause", "warehouse", "--yes")
    send(two, 100, 200)
    [skipped] = gateways.command("two", "sinks", "skip", "warehouse", "--yes")
    gateways.command("one", "sinks", "resume", "warehouse", "--yes")
    after = send(one, 200, 300)

    assert (skipped["events"], skipped["done"]) == (100, True)
    assert gateways.delivered(before + after) == sorted(before + after)
    account = gateways.ledger("two")["sinks"]["warehouse"]
    assert (account["delivered"], account["skipped"]) == (200, {"operator": 100})


def test_a_replay_is_done_by_all_gateways_together(gateways: Cluster) -> None:
    one, _ = gateways.start("one"), gateways.start("two")
    gateways.share("one", "two")
    gateways.delivered(send(one, 0, 200))

    *_, last = gateways.command("two", "replay", "warehouse", "--since", "1h", "--yes")

    assert (last["state"], last["sent"]) == ("done", 200)


def test_nodes_shows_who_is_there_and_who_has_left(gateways: Cluster) -> None:
    gateways.start("one")
    two = gateways.start("two")
    gateways.share("one", "two")
    two.stop()
    gateways.share("one")

    found = {node["name"]: node for node in gateways.command("one", "nodes")}

    assert (found["one"]["state"], found["two"]["state"]) == ("up", "gone")
    assert found["one"]["leases"] == {"warehouse": ["0", "1", "2", "3"]}
    assert found["one"]["upkeep"] == ["0", "1", "2", "3"]
    assert found["two"]["leases"] == {}


def test_a_second_gateway_of_the_same_name_delivers_nothing_and_says_so(
    gateways: Cluster, tmp_path: Path
) -> None:
    gateways.start("one")
    gateways.share("one")
    text = gateways.configure("one").read_text()
    other = gateways.start("other")
    other.stop()
    other.file.write_text(text)

    other.start()

    until(lambda: "another gateway has this name" in other.logged())
    gateways.share("one")
    other.stop()


def test_the_inspector_of_any_gateway_finds_an_event_and_says_whose_requests_it_has(gateways: Cluster) -> None:
    one, two = gateways.start("one"), gateways.start("two")
    gateways.delivered(send(one, 0, 50))

    page = two.request("GET", "/api/events?message_id=m00007", port=two.inspector_port).json
    [found] = page["events"]
    event = two.request("GET", f"/api/events/{found['position']}", port=two.inspector_port).json

    assert found["message_id"] == "m00007"
    assert "with another one than this, two" in event["raw_missing"]
    assert WAREHOUSE
