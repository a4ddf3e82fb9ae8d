"""The thread that checks open files."""

import threading
from threading import Event, Thread

from gateway.sinks.watch import Watch
from tests.gateway import PATIENCE, until


def threads() -> set[Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "watch"}


def test_all_checks_are_called_repeatedly() -> None:
    calls: list[str] = []
    watch = Watch(0.01)

    with watch.calling(lambda: calls.append("one")), watch.calling(lambda: calls.append("other")):
        until(lambda: calls.count("one") > 3 and calls.count("other") > 3)


def test_one_thread_serves_all_checks_and_ends_with_the_last() -> None:
    before = threads()
    watch = Watch(0.01)

    with watch.calling(lambda: None), watch.calling(lambda: None):
        [thread] = threads() - before

    until(lambda: not thread.is_alive())


def test_a_later_check_starts_a_new_thread() -> None:
    before = threads()
    watch = Watch(0.01)
    with watch.calling(lambda: None):
        [thread] = threads() - before
    until(lambda: not thread.is_alive())
    called = Event()

    with watch.calling(called.set):
        assert called.wait(PATIENCE)
