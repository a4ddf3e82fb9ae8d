"""More dead letters than one statement changes."""

import sqlite3
from contextlib import closing

from gateway.journal.base import Position
from gateway.postgresql.connection import SCHEMA
from gateway.postgresql.place import Place, Remote
from gateway.state.letters import Choice
from gateway.state.store import State
from gateway.state.tally import Tally
from tests.sinks.postgres_server import postgres_server

LETTERS = 120_000

_FILL = """
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {letters})
    INSERT INTO {table} (
        sink, "partition", position, epoch, batch, code, message, answer, tries, first_failed_at,
        last_failed_at, message_id, source, type, event, user_id, anonymous_id, canonical
    )
    SELECT 'sink', '0', n, 1, '', 'rejected', '', '', 1, 1, 1, '', '', 'track', 'Order', '', '', '{{}}'
    FROM numbers
"""


def fill(place: Place) -> None:
    if isinstance(place, Remote):
        database = place.url.reveal().rpartition("/")[2]
        postgres_server().run(_FILL.format(letters=LETTERS, table=f"{SCHEMA}.dead"), database=database)
    else:
        with closing(sqlite3.connect(place)) as connection, connection:
            connection.execute(_FILL.format(letters=LETTERS, table="dead"))


def test_all_are_retried_released_and_dropped(place: Place, state: State) -> None:
    fill(place)
    state.record("sink", "0", Position(LETTERS), Tally({("dead", "rejected"): LETTERS}))

    some = state.jobs.retry("sink", Choice(), 0, 60_001)
    rest = state.jobs.retry("sink", Choice(event="Order"), 0, None)
    state.jobs.finish(some.id, "cancelled")
    released = state.jobs.retry("sink", Choice(), 0, None)
    dropped = state.dead.drop(Choice())

    assert (some.events, rest.events, released.events, dropped) == (60_001, 59_999, 60_001, LETTERS)
    assert not state.dead.count(Choice())
    assert state.tallies() == {"sink": {("skipped", "dropped"): LETTERS}}
