"""A process that has lost its leases records nothing more, even if it does not know yet."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from gateway.errors import LeaseLost
from gateway.journal.base import Position
from gateway.state.intents import Intent
from gateway.state.jobs import Selection, Span
from gateway.state.leases import Fence
from gateway.state.store import State
from gateway.state.tally import Tally
from gateway.state.verdicts import UPKEEP, Indexed
from tests.cluster.sharing import ID, PARTITIONS, Join, Shared


@pytest.fixture
def believers(join: Join, shared: Shared) -> Iterator[tuple[State, State]]:
    """Two processes that both believe they hold partition 3: the first was halted, and the second took it."""
    one, two = join("one"), join("two")
    one.renew(["warehouse", UPKEEP], PARTITIONS)
    shared.vanish(one)
    two.renew(["warehouse", UPKEEP], PARTITIONS)
    with closing(State.open(shared.place, ID)) as zombie, closing(State.open(shared.place, ID)) as holder:
        zombie.use_fence(Fence(one.member.id))
        holder.use_fence(Fence(two.member.id))
        yield zombie, holder


RECORDS: dict[str, Callable[[State], None]] = {
    "progress": lambda state: state.record("warehouse", "3", Position(5), Tally({("delivered", ""): 5})),
    "an intent": lambda state: state.save_intent("warehouse", "3", Intent(5, "digest")),
    "a replay": lambda state: state.record_replay("warehouse", 1, "3", Span(5, 9), 5, 0),
    "verdicts": lambda state: state.verdicts.record([Indexed("3", Position(5), [2])]),
    "forgetting": lambda state: state.verdicts.forget("3"),
}


@pytest.mark.parametrize("record", [pytest.param(record, id=name) for name, record in RECORDS.items()])
def test_of_two_that_believe_they_hold_a_partition_the_fence_refuses_the_one_that_lost_it(
    believers: tuple[State, State], record: Callable[[State], None]
) -> None:
    zombie, holder = believers
    holder.record("warehouse", "3", Position(2), Tally({("delivered", ""): 2}))
    job = holder.jobs.replay("warehouse", Selection(), {"3": Span(0, 9)}, 0)

    with pytest.raises(LeaseLost):
        record(zombie)

    assert holder.positions() == {("warehouse", "3"): Position(2)}
    assert holder.tallies() == {"warehouse": {("delivered", ""): 2}}
    assert holder.verdicts.positions() == {}
    assert job.id == 1
    record(holder)


def test_the_fence_admits_one_whose_lease_is_over_while_no_other_has_taken_it(
    join: Join, shared: Shared
) -> None:
    one = join("one")
    one.renew(["warehouse"], PARTITIONS)
    shared.vanish(one)

    with closing(State.open(shared.place, ID)) as state:
        state.use_fence(Fence(one.member.id))
        state.record("warehouse", "3", Position(5), Tally())

        assert state.position("warehouse", "3") == Position(5)
