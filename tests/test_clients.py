"""What shipped clients cannot take."""

import pytest

from gateway.clients import FAILS_ON, takes, takes_multi_status
from gateway.sources import MultiStatus

NOBODY = ("", "")


@pytest.mark.parametrize("name", FAILS_ON[207])
@pytest.mark.parametrize("version", ["", "0.0.1", "1.0", "x", "2.3.5-beta"])
def test_a_client_in_the_table_takes_no_207(name: str, version: str) -> None:
    by_agent = takes_multi_status("auto", strict=False, user_agent=f"{name}/{version} (more)", library=NOBODY)
    by_library = takes_multi_status("auto", strict=False, user_agent="", library=(name, version))

    assert (by_agent, by_library) == (False, False)


@pytest.mark.parametrize("name", [name for name, first in FAILS_ON[207].items() if first])
def test_a_client_that_has_learnt_it_takes_one(name: str) -> None:
    first = FAILS_ON[207][name]
    assert first
    since, later = ".".join(map(str, first)), f"{first[0]}.{first[1] + 10}.0"

    taken = [
        takes_multi_status("auto", strict=False, user_agent=f"{name}/{each}", library=NOBODY)
        for each in (since, later)
    ]

    assert taken == [True, True]


@pytest.mark.parametrize("agent", ["", "Mozilla/5.0 (X11)", "analytics-node/2.0", "/", "x"])
def test_everybody_else_takes_one(agent: str) -> None:
    assert takes_multi_status("auto", strict=False, user_agent=agent, library=("analytics.js", "next-1.84"))


@pytest.mark.parametrize(
    ("wish", "strict", "taken"),
    [
        ("always", False, True),
        ("always", True, True),
        ("never", False, False),
        ("never", True, True),
        ("auto", True, True),
    ],
)
def test_a_wish_outranks_the_table_and_the_clients_own_outranks_all(
    wish: MultiStatus, strict: bool, taken: bool
) -> None:
    name = next(iter(FAILS_ON[207]))

    assert takes_multi_status(wish, strict, f"{name}/0.1", (name, "0.1")) == taken


@pytest.mark.parametrize(
    ("agent", "taken"),
    [
        ("analytics-ios/1.9.4", False),
        ("analytics-ios/4.1.8", True),
        ("analytics-ios/", False),
        ("analytics-kotlin/1.24.1", True),
        ("", True),
    ],
)
def test_swift_takes_no_413_but_the_classic_library_of_its_name_does(agent: str, taken: bool) -> None:
    assert takes(413, agent) == taken
