"""Gateways that share a journal on JetStream and a state in PostgreSQL: they join, stop, die and come back."""

import os
import signal
from itertools import groupby

from tests.cluster.gateways import Cluster, Load, send


def test_two_gateways_share_the_partitions_and_deliver_each_event_once(gateways: Cluster) -> None:
    one, two = gateways.start("one"), gateways.start("two")
    gateways.share("one", "two")

    ids = send(one, 0, 300) + send(two, 300, 600)

    assert gateways.delivered(ids) == sorted(ids)
    ledgers = [gateways.ledger(node) for node in ("one", "two")]
    for ledger in ledgers:
        assert (ledger["balanced"], ledger["journal"]) == (True, 600)
        assert ledger["sinks"]["warehouse"]["delivered"] == 600


def test_events_of_a_person_stay_in_order_whatever_gateway_gets_them(gateways: Cluster) -> None:
    one, two = gateways.start("one"), gateways.start("two")
    ids = [id for first in range(0, 400, 50) for id in send((one, two)[first // 50 % 2], first, first + 50)]
    gateways.delivered(ids)

    rows = sorted(gateways.rows(), key=lambda row: (row["user_id"], int(row["position"].partition("/")[2])))

    for _, group in groupby(rows, key=lambda row: row["user_id"]):
        own = list(group)
        assert len({row["position"].partition("/")[0] for row in own}) == 1
        assert [row["id"] for row in own] == sorted(row["id"] for row in own)


def test_a_gateway_that_joins_under_load_takes_its_share_and_one_that_stops_gives_it_back(
    gateways: Cluster,
) -> None:
    one = gateways.start("one")
    with Load(one) as load:
        load.more()
        two = gateways.start("two")
        gateways.share("one", "two")
        load.more()
        two.stop()
        gateways.share("one")
        load.more()

    assert gateways.delivered(load.ids) == sorted(load.ids)
    assert gateways.ledger("one")["balanced"]


def test_the_partitions_of_a_gateway_that_is_killed_are_delivered_by_the_others(gateways: Cluster) -> None:
    one, two = gateways.start("one"), gateways.start("two")
    gateways.share("one", "two")
    with Load(one, two) as load:
        load.more()
        two.kill()
        gateways.share("one")
        load.more()

    assert set(gateways.delivered(load.ids)) >= set(load.ids)
    assert len(gateways.ids()) == len(set(gateways.ids()))
    assert gateways.ledger("one")["balanced"]


def test_a_gateway_that_is_halted_for_longer_than_its_leases_delivers_nothing_twice(gateways: Cluster) -> None:
    one, two = gateways.start("one"), gateways.start("two")
    gateways.share("one", "two")
    delivery = [pid for name, pid in two.children().items() if name.startswith("delivery")]
    with Load(one) as load:
        load.more()
        for pid in delivery:
            os.kill(pid, signal.SIGSTOP)
        gateways.share("one")
        load.more()
        for pid in delivery:
            os.kill(pid, signal.SIGCONT)
        gateways.share("one", "two")
        load.more()

    assert gateways.delivered(load.ids) == sorted(load.ids)
    assert gateways.ledger("two")["balanced"]


def test_a_gateway_that_is_killed_and_started_again_has_its_share_again(gateways: Cluster) -> None:
    gateways.start("one")
    two = gateways.start("two")
    gateways.share("one", "two")

    two.kill()
    two.start()

    gateways.share("one", "two")
    two.stop()
