"""Gateways that share a journal on JetStream, and a state: they join, stop, die and come back."""

import os
import signal

from tests.cluster.gateways import Cluster, Load, assert_order, send
from tests.gateway import halt, until


def test_two_gateways_share_the_partitions_and_deliver_each_event_once(gateways: Cluster) -> None:
    one, two = gateways.up("one"), gateways.up("two")
    gateways.shared("one", "two")

    ids = send(one, 300) + send(two, 300)

    assert gateways.delivered(ids) == ids
    ledgers = [gateways.ledger(node) for node in ("one", "two")]
    assert ledgers[0]["sinks"] == ledgers[1]["sinks"]
    assert ledgers[0]["balanced"]


def test_events_of_a_person_stay_in_order_whatever_gateway_gets_them(gateways: Cluster) -> None:
    one, two = gateways.up("one"), gateways.up("two")
    ids = [id for gateway in (one, two) * 4 for id in send(gateway, 50)]
    gateways.delivered(ids)

    assert_order(gateways.rows(), ids)


def test_a_gateway_that_joins_under_load_takes_its_share_and_one_that_stops_gives_it_back(
    gateways: Cluster,
) -> None:
    one, two = gateways.up("one"), gateways.up("two")
    with Load(one) as load:
        two.stop()
        gateways.shared("one")
        load.more()
        gateways.up("two")
        gateways.shared("one", "two")
        load.more()

    assert gateways.delivered(load.ids) == load.ids
    assert gateways.ledger("one")["balanced"]


def test_the_partitions_of_a_gateway_that_is_killed_are_delivered_by_the_others(gateways: Cluster) -> None:
    one, two = gateways.up("one"), gateways.up("two")
    gateways.shared("one", "two")
    with Load(one, two) as load:
        load.more()
        two.kill()
        gateways.shared("one")
        load.more()

    assert gateways.delivered(load.ids) == load.ids


def test_a_gateway_that_is_started_again_after_a_kill_has_its_share_again(gateways: Cluster) -> None:
    gateways.up("one")
    gateways.up("two").kill()

    gateways.up("two")

    gateways.shared("one", "two")
    assert gateways.ledger("one")["balanced"]


def test_a_gateway_that_was_halted_for_longer_than_its_leases_last_delivers_nothing_twice(
    gateways: Cluster,
) -> None:
    one, two = gateways.up("one"), gateways.up("two")
    gateways.shared("one", "two")
    delivery = two.children()["delivery-0"]
    with Load(one) as load:
        load.more()
        halt(delivery)
        gateways.shared("one")
        load.more()
        os.kill(delivery, signal.SIGCONT)
        gateways.shared("one", "two")
        load.more()

    assert gateways.delivered(load.ids) == load.ids
    assert gateways.ledger("two")["balanced"]


def test_a_second_gateway_of_the_same_name_delivers_nothing_and_says_so(gateways: Cluster) -> None:
    for node in ("one", "two"):
        gateways.up(node)

    other = gateways.up("one", folder="other")

    until(lambda: "another gateway has this name" in other.logged())
    gateways.shared("one", "two")
    other.stop()
