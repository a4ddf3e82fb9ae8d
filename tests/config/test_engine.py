"""Keys of [journal] that only an engine has, and mistakes in them."""

from pathlib import Path

import pytest

from tests.config.texts import mistakes, read, write

STATE = 'url = "postgresql://127.0.0.1/gateway"'
ENGINE = 'engine = "jetstream"\nservers = ["nats://n1:4222"]'
ARCHIVE = 'kind = "null"'


def test_an_engine_has_its_defaults(file: Path) -> None:
    write(file, journal=ENGINE, state=STATE, sinks__archive=ARCHIVE)

    journal = read(file).journal

    assert (journal.name, journal.partitions, journal.replicas, journal.require) == (
        "gateway",
        8,
        3,
        "quorum",
    )


@pytest.mark.parametrize(
    ("key", "line"),
    [
        pytest.param("servers", 'servers = ["nats://n1:4222"]', id="servers"),
        pytest.param("name", 'name = "other"', id="name"),
        pytest.param("partitions", "partitions = 4", id="partitions"),
        pytest.param("replicas", "replicas = 1", id="replicas"),
        pytest.param("require", 'require = "fsync"', id="require"),
        pytest.param("monitor", 'monitor = ["http://n1:8222"]', id="monitor"),
        pytest.param("user", 'user = "gateway"', id="user"),
    ],
)
def test_the_embedded_engine_has_none_of_the_keys(file: Path, key: str, line: str) -> None:
    write(file, journal=line)

    [mistake] = mistakes(file)

    assert mistake.startswith(f"[journal] {key}: the embedded engine has none")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param('engine = "jetstream"', "servers: required by the engine jetstream", id="no servers"),
        pytest.param('engine = "kafka"\nservers = ["k1"]', "servers: expected HOST:PORT", id="no port"),
        pytest.param(
            'engine = "kafka"\nservers = ["TLS://k1:9092"]',
            "servers: expected HOST:PORT",
            id="no protocol of Kafka",
        ),
        pytest.param(
            'engine = "kafka"\nservers = ["SSL://k1:9092", "k2:9092"]',
            "servers: expected the same protocol",
            id="two protocols of Kafka",
        ),
        pytest.param(
            'engine = "jetstream"\nservers = ["n1:4222"]', "servers: expected nats://", id="no scheme"
        ),
        pytest.param(
            'engine = "jetstream"\nservers = ["nats://u:p@n1"]', "servers: expected the user", id="a user"
        ),
        pytest.param(
            'engine = "jetstream"\nservers = ["nats://n1", "tls://n2"]',
            "servers: expected nats:// for all",
            id="mixed",
        ),
        pytest.param(f'{ENGINE}\nname = "a b"', "name: expected", id="a name with a space"),
        pytest.param(f'{ENGINE}\nuser = "u"', "user: a user needs a password", id="no password"),
        pytest.param(f'{ENGINE}\nca = "no.pem"', "ca: there is no file", id="no file"),
        pytest.param(f'{ENGINE}\nmonitor = ["n1:8222"]', "monitor: expected http://", id="monitor"),
        pytest.param(
            f'{ENGINE}\nmax_size = "10MB"', "max_size: must be at least 10MB a partition", id="small"
        ),
    ],
)
def test_a_mistake_is_told(file: Path, lines: str, expected: str) -> None:
    write(file, journal=lines, state=STATE, sinks__archive=ARCHIVE)

    [mistake] = mistakes(file)

    assert mistake.startswith(f"[journal] {expected}")


def test_an_event_that_an_engine_cannot_store_may_not_be_allowed(file: Path) -> None:
    source = 'write_keys = ["k"]\nmax_event = "1MB"'
    write(file, journal=ENGINE, state=STATE, sinks__archive=ARCHIVE, sources__large=source)

    [mistake] = mistakes(file)

    assert mistake == "[sources.large] max_event: the engine jetstream takes at most 800KB"
