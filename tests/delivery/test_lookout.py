"""Looking for new events, and looking less often while there are none."""

from pathlib import Path

from gateway.delivery.lookout import Lookout
from tests.build import event_lines, keep, open_log

MANY = 50


def test_it_is_idle_once_nothing_has_come_for_many_looks(tmp_path: Path) -> None:
    lookout = Lookout(open_log(tmp_path))
    keep(tmp_path / "0", event_lines(0, 1))

    lookout.look()
    after_news = lookout.is_idle
    for _ in range(MANY):
        lookout.look()

    assert (after_news, lookout.is_idle) == (False, True)


def test_it_is_no_longer_idle_once_something_comes(tmp_path: Path) -> None:
    lookout = Lookout(open_log(tmp_path))
    keep(tmp_path / "0", event_lines(0, 1))
    for _ in range(1 + MANY):
        lookout.look()
    seen = lookout.seen

    keep(tmp_path / "0", event_lines(1, 2))
    lookout.look()

    assert (lookout.is_idle, lookout.seen) == (False, seen + 1)


def test_workers_are_woken_now_and_then_although_nothing_came(tmp_path: Path) -> None:
    lookout = Lookout(open_log(tmp_path))
    lookout.look()
    seen = lookout.seen

    for _ in range(2 * MANY):
        lookout.look()

    assert lookout.seen >= seen + 2
