"""Several gateways share the partitions of each sink by leases, which PostgreSQL gives."""

import threading
from contextlib import closing

import psycopg
import pytest

from gateway.errors import StateUnavailable
from gateway.postgresql.connection import Session
from gateway.state.leases import Leases, Member, share
from gateway.state.nodes import find_nodes
from gateway.state.store import State
from tests import databases
from tests.cluster.sharing import ID, PARTITIONS, Join, Shared
from tests.gateway import until
from tests.sinks.postgres_server import PostgresServer


def partitions(leases: Leases, sink: str = "warehouse") -> set[str]:
    return set(leases.held(sink))


@pytest.mark.parametrize("members", [1, 2, 3, 8, 11])
def test_shares_add_up_and_differ_by_at_most_one(members: int) -> None:
    names = [f"m{number}" for number in range(members)]

    shares = [share(name, names, 8) for name in names]

    assert sum(shares) == 8
    assert max(shares) - min(shares) <= 1


def test_a_gateway_alone_has_every_partition_of_each_of_its_sinks(join: Join) -> None:
    one = join("one")

    one.renew(["warehouse", "files"], PARTITIONS)

    assert partitions(one) == partitions(one, "files") == set(PARTITIONS)


def test_one_that_joins_gets_its_share_as_it_is_given_back(join: Join) -> None:
    one, two = join("one"), join("two")
    one.renew(["warehouse"], PARTITIONS)
    two.renew(["warehouse"], PARTITIONS)
    before = partitions(two)

    one.renew(["warehouse"], PARTITIONS)
    one.give_back("warehouse")
    two.renew(["warehouse"], PARTITIONS)

    assert before == set()
    assert len(partitions(one)) == len(partitions(two)) == 4
    assert partitions(one) | partitions(two) == set(PARTITIONS)


def test_a_sink_is_shared_by_those_alone_that_can_deliver_to_it(join: Join) -> None:
    one, two = join("one"), join("two")
    one.renew(["warehouse", "file of one"], PARTITIONS)
    two.renew(["warehouse"], PARTITIONS)

    standing = one.renew(["warehouse", "file of one"], PARTITIONS)

    assert set(standing.surplus) == {"warehouse"}
    assert partitions(one, "file of one") == set(PARTITIONS)


def test_leases_of_one_that_leaves_are_free_at_once(join: Join) -> None:
    one, two = join("one"), join("two")
    one.renew(["warehouse"], PARTITIONS)

    one.leave()
    two.renew(["warehouse"], PARTITIONS)

    assert partitions(one) == set()
    assert partitions(two) == set(PARTITIONS)


def test_leases_of_one_that_is_silent_end_by_the_clock_of_the_server(join: Join, shared: Shared) -> None:
    one, two = join("one"), join("two")
    one.renew(["warehouse"], PARTITIONS)
    two.renew(["warehouse"], PARTITIONS)
    before = partitions(two)

    shared.vanish(one)
    two.renew(["warehouse"], PARTITIONS)

    assert before == set()
    assert partitions(two) == set(PARTITIONS)


def test_one_that_was_stopped_for_too_long_loses_what_others_took_and_keeps_the_rest(
    join: Join, shared: Shared
) -> None:
    one, two = join("one"), join("two")
    one.renew(["warehouse", "file of one"], PARTITIONS)
    terms = one.held("file of one")
    shared.vanish(one)
    two.renew(["warehouse"], PARTITIONS)

    one.renew(["warehouse", "file of one"], PARTITIONS)

    assert partitions(one) == set()
    assert one.held("file of one") == terms


def test_a_lease_that_comes_back_has_another_term(join: Join) -> None:
    one, two = join("one"), join("two")
    one.renew(["warehouse"], ["0"])
    first = one.held("warehouse")["0"]
    one.leave()
    two.renew(["warehouse"], ["0"])
    two.leave()

    one.renew(["warehouse"], ["0"])

    assert one.held("warehouse")["0"] > first


def test_a_member_uses_no_lease_that_it_could_not_renew(shared: Shared) -> None:
    member = Member("id", "one", "one:/data", "delivery-0", "1.0", 1)
    with closing(shared.leases(member, lease_seconds=1.0)) as leases:  # which is its margin
        standing = leases.renew(["warehouse"], PARTITIONS)

        assert set(standing.held["warehouse"]) == set(PARTITIONS)
        assert partitions(leases) == set()


def test_members_that_take_at_the_same_moment_never_get_the_same_partition(join: Join) -> None:
    members = [join(f"node {number}") for number in range(4)]
    for member in members:
        member.renew([], PARTITIONS)
    ready = threading.Barrier(len(members))

    def take(member: Leases) -> None:
        ready.wait()
        for _ in range(5):
            member.renew(["warehouse"], PARTITIONS)
            member.give_back("warehouse")

    threads = [threading.Thread(target=take, args=[member]) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for member in members:
        member.renew(["warehouse"], PARTITIONS)

    held = [partition for member in members for partition in member.held("warehouse")]
    assert sorted(held) == sorted(set(held))


def test_a_second_gateway_of_the_same_name_gets_nothing_until_the_first_one_leaves(join: Join) -> None:
    first, second = join("a", since=1), join("a", since=2, place="elsewhere")
    first.renew(["warehouse"], PARTITIONS)

    refused = second.renew(["warehouse"], PARTITIONS)
    kept = first.renew(["warehouse"], PARTITIONS)
    first.leave()
    second.renew(["warehouse"], PARTITIONS)

    assert refused.namesake == "a:/data"
    assert kept.surplus == {}
    assert partitions(second) == set(PARTITIONS)


def test_a_process_that_starts_in_the_place_of_a_killed_one_has_its_leases_at_once(
    join: Join, shared: Shared
) -> None:
    member = Member("its next process", "a", "a:/data", "delivery-0", "1.0", 2)
    join("a", since=1).renew(["warehouse"], PARTITIONS)

    with closing(shared.leases(member)) as again:
        standing = again.renew(["warehouse"], PARTITIONS)

        assert standing.namesake == ""
        assert partitions(again) == set(PARTITIONS)


def test_leases_for_a_sink_that_another_process_delivers_to_from_now_on_are_given_back(join: Join) -> None:
    one, two = join("one"), join("two")
    one.renew(["warehouse", "files"], PARTITIONS)

    one.renew(["warehouse"], PARTITIONS)
    withheld = partitions(one, "files")
    one.give_back("files")
    two.renew(["files"], PARTITIONS)

    assert withheld == set()
    assert partitions(two, "files") == set(PARTITIONS)


def test_leases_can_be_renewed_after_the_server_was_away() -> None:
    server = PostgresServer()
    with databases.database(server) as address:
        shared = Shared(address)
        State.prepare(shared.place, ID)
        with closing(shared.leases(Member("id", "one", "one:/data", "delivery-0", "1.0", 1))) as one:
            one.renew(["warehouse"], PARTITIONS)
            server.stop()

            with pytest.raises(StateUnavailable):
                one.renew(["warehouse"], PARTITIONS)
            server.start()
            one.renew(["warehouse"], PARTITIONS)

            assert partitions(one) == set(PARTITIONS)
    server.remove()


def test_a_session_whose_machine_vanished_in_a_transaction_blocks_the_others_for_seconds_only(
    shared: Shared,
) -> None:
    with closing(Session.connect(shared.url)) as stuck, closing(Session.connect(shared.url)) as other:
        stuck.run("BEGIN; LOCK leases")

        def is_free() -> bool:
            try:
                other.execute("SELECT * FROM leases")
            except psycopg.errors.LockNotAvailable:
                return False
            return True

        until(is_free)


def test_nodes_says_who_is_there_with_which_leases_and_who_left(join: Join, shared: Shared) -> None:
    one, two = join("one", since=5), join("two", since=7)
    one.renew(["warehouse"], ["0", "1"])
    two.renew(["files"], ["0"])
    two.leave()

    found = {node.name: node for node in find_nodes(shared.url)}

    assert found["one"].alive
    assert found["one"].leases == {"warehouse": ["0", "1"]}
    assert (found["one"].since, found["one"].version) == (5, "1.0")
    assert not found["two"].alive
    assert found["two"].leases == {}
