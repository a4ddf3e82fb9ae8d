"""Operators see and order the whole at any gateway; a sink of one machine is with the one it names."""

from typing import Any

from tests.cluster.gateways import PARTITIONS, Cluster, send
from tests.gateway import Gateway, until


def find(gateway: Gateway, id: str) -> dict[str, Any]:
    """Return the row of an event; a search that takes long goes on from a cursor."""
    cursor = ""
    while True:
        path = f"/api/events?message_id={id}{cursor}"
        page = gateway.request("GET", path, port=gateway.inspector_port).json
        if page["items"]:
            row: dict[str, Any] = page["items"][0]
            return row
        cursor = f"&cursor={page['next']}"


def test_a_file_is_written_by_the_gateway_that_is_named_and_waits_for_it(gateways: Cluster) -> None:
    one, two = gateways.up("one"), gateways.up("two")
    gateways.ledger("one")
    before = len(two.events())

    ids = send(one, 100)
    two.delivered(before + 100)
    two.stop()
    ids += send(one, 100)
    gateways.up("two")

    assert sorted(event["messageId"] for event in two.delivered(before + 200)[before:]) == ids
    assert one.events() == []
    assert gateways.leases("archive") == {"two": PARTITIONS}


def test_a_pause_and_a_skip_and_a_resume_reach_whatever_gateway_has_the_partitions(gateways: Cluster) -> None:
    one, two = gateways.up("one"), gateways.up("two")
    gateways.shared("one", "two")
    skipped_before = gateways.ledger("one")["sinks"]["warehouse"]["skipped"].get("operator", 0)

    gateways.command("one", "sinks", "pause", "warehouse", "--yes")
    passed = send(two, 100)
    [skipped] = gateways.command("two", "sinks", "skip", "warehouse", "--yes")
    gateways.command("one", "sinks", "resume", "warehouse", "--yes")
    after = send(one, 100)

    assert (skipped["events"], skipped["done"]) == (100, True)
    assert gateways.delivered(after) == after
    assert {row["id"] for row in gateways.rows()}.isdisjoint(passed)
    account = gateways.ledger("two")["sinks"]["warehouse"]
    assert account["skipped"]["operator"] == skipped_before + 100


def test_a_replay_is_done_by_all_gateways_together(gateways: Cluster) -> None:
    one, _ = gateways.up("one"), gateways.up("two")
    gateways.shared("one", "two")
    gateways.delivered(send(one, 200))
    events = gateways.ledger("one")["journal"]

    *_, last = gateways.command("two", "replay", "warehouse", "--since", "1d", "--yes")

    assert (last["state"], last["sent"]) == ("done", events)


def test_nodes_shows_who_is_there_with_what_and_who_has_left(gateways: Cluster) -> None:
    gateways.up("one")
    gateways.up("two").stop()
    gateways.shared("one")
    until(lambda: gateways.command("one", "nodes")[0]["upkeep"] == PARTITIONS)

    one, two = (node for node in gateways.command("one", "nodes") if node["name"] in ("one", "two"))

    assert (one["state"], two["state"]) == ("up", "gone")
    assert (one["leases"], two["leases"]) == ({"warehouse": PARTITIONS}, {})


def test_the_inspector_of_any_gateway_finds_an_event_and_says_whose_requests_it_has(
    gateways: Cluster,
) -> None:
    one, two = gateways.up("one"), gateways.up("two")
    id = send(one, 50)[7]
    gateways.delivered([id])

    found = find(two, id)
    event = two.request("GET", f"/api/events/{found['position']}", port=two.inspector_port).json

    def own() -> Any:
        return one.request("GET", f"/api/events/{found['position']}", port=one.inspector_port).json

    until(lambda: "raw" in own())  # requests are recorded some time after their events
    assert event["canonical"]["messageId"] == id
    assert "it may be with another one than this, two" in event["raw_missing"]
    assert own()["raw"]["node"] == "one"
