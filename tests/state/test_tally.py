"""Tallies and their JSON."""

import pytest

from gateway.state.tally import Tally, decode, encode


def test_counts_are_grouped_by_outcome_without_zeros() -> None:
    tally = Tally(
        {("delivered", ""): 5, ("filtered", "type"): 2, ("filtered", "source"): 1, ("dead", "x"): 0}
    )

    assert encode(tally) == '{"delivered":{"":5},"filtered":{"type":2,"source":1}}'


@pytest.mark.parametrize("tally", [Tally(), Tally({("delivered", ""): 2**70, ("skipped", "not_kept"): 1})])
def test_a_tally_survives_encoding_and_decoding(tally: Tally) -> None:
    assert decode(encode(tally)) == tally
