"""Brokers that want TLS and a password hold a journal too, and neither is left out in silence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from gateway.config.secret import Secret
from gateway.config.tables import Journal
from gateway.errors import ConfigError
from gateway.journal.kafka import topic
from gateway.journal.kafka.appender import appending
from tests.build import Read, event_lines, read_to_end
from tests.gateway import until
from tests.journal.engines import START
from tests.sinks.kafka_server import PASSWORD, USER, kafka_server

JournalOf = Callable[..., Journal]


@pytest.fixture
def journal_of(tmp_path: Path) -> JournalOf:
    """Return journals that say all that the brokers want, but for what a test changes."""
    server = kafka_server()
    server.add_user()
    known = {
        "engine": "kafka",
        "servers": (server.with_both,),
        "user": USER,
        "password": Secret(PASSWORD),
        "ca": server.certificate,
        "name": f"security-{tmp_path.name}",
        "partitions": 1,
        "replicas": 1,
        "require": "fsync",
    }
    return lambda **changed: Journal(**{**known, **changed})


@pytest.mark.anyio
@pytest.mark.parametrize("protocol", ["", "SASL_SSL://"], ids=["protocol from the keys", "protocol given"])
async def test_events_are_kept_by_brokers_with_tls_and_a_password(
    journal_of: JournalOf, protocol: str
) -> None:
    journal = journal_of(servers=(f"{protocol}{kafka_server().with_both}",))
    identity = await to_thread.run_sync(topic.prepare, journal)

    async with appending(journal, identity) as appender:
        await to_thread.run_sync(until, lambda: not appender.promise.broken)
        await appender.append(event_lines(0, 3))
        await appender.close()

    reader = topic.open_log(journal).reader("0")
    assert await to_thread.run_sync(read_to_end, reader, START) == Read(event_lines(0, 3), 0, 3)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"password": Secret("wrong")}, "_AUTHENTICATION", id="wrong password"),
        pytest.param({"user": "nobody"}, "_AUTHENTICATION", id="unknown user"),
        pytest.param({"ca": None, "servers": "SASL_SSL://"}, "_SSL", id="certificate of nobody known"),
        pytest.param({"ca": None}, "_TIMED_OUT", id="no TLS"),
        pytest.param({"user": "", "password": None}, "_TIMED_OUT", id="no password"),
    ],
)
def test_a_start_is_refused_without_what_the_brokers_want(
    journal_of: JournalOf, changed: dict[str, Any], reason: str
) -> None:
    changed = dict(changed)
    if "servers" in changed:
        changed["servers"] = (changed["servers"] + kafka_server().with_both,)

    with pytest.raises(ConfigError) as refused:
        topic.prepare(journal_of(**changed), patience=0)

    assert reason in str(refused.value)
    assert PASSWORD not in str(refused.value)
