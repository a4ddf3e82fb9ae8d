"""
The image and the composition: linted, and what they run is run.

No container engine is needed, and no image is built.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.config import file
from gateway.errors import ConfigError
from gateway.sinks.postgres import Postgres
from tests.deploy.documents import load, stop_seconds
from tests.deploy.programs import DEPLOY, check, tool
from tests.gateway import Gateway
from tests.journey import needs

FOLDER = DEPLOY / "container"
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
COMPOSE = FOLDER / "compose.yaml"
SECRETS = {"WRITE_KEY": "w", "INSPECTOR_TOKEN": "t"}


def test_the_dockerfile_is_sound() -> None:
    check(tool("hadolint"), FOLDER / "Dockerfile")


def test_the_image_gets_all_that_it_copies() -> None:
    root = DEPLOY.parent
    allowed = {
        line[1:] for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"
    }
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for name in line.split()
    }

    assert copied == allowed
    assert {name for name in copied if not (root / name).exists()} == set()


def test_every_profile_of_the_composition_builds_the_image_that_it_runs() -> None:
    services = load(COMPOSE)["services"].values()
    gateways = [each for each in services if each["image"] == "event-gateway"]

    assert len(gateways) == 4
    assert [each.get("build") for each in gateways] == [gateways[0]["build"]] * 4


def test_the_health_check_tells_a_gateway_that_lives_from_one_that_is_away(
    gateway: Callable[..., Gateway],
) -> None:
    [words] = re.findall(r"^HEALTHCHECK .*? CMD (\[.+?\])$", DOCKERFILE.replace("\\\n", ""), re.MULTILINE)
    python, *options, script = json.loads(words)
    running = gateway()
    command = [sys.executable, *options, script.replace("8080", str(running.port))]

    alive = subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode
    running.kill()
    away = subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode

    assert python == "python3"
    assert (alive, away) == (0, 1)


def test_the_configuration_of_the_image_listens_to_all_and_writes_to_the_volume() -> None:
    config = file.load(FOLDER / "gateway.toml", None, SECRETS)

    assert (config.server.host, config.inspector.host) == ("0.0.0.0", "0.0.0.0")
    assert config.journal.path == Path("/data/journal")
    assert "\nVOLUME /data\n" in DOCKERFILE


@pytest.mark.parametrize("missing", SECRETS)
def test_the_image_does_not_start_without_its_secrets(missing: str) -> None:
    environment = {name: value for name, value in SECRETS.items() if name != missing}

    with pytest.raises(ConfigError, match=missing):
        file.load(FOLDER / "gateway.toml", None, environment)


def test_the_warehouse_of_the_composition_is_where_its_configuration_says() -> None:
    services = load(COMPOSE)["services"]
    config = file.load(FOLDER / "warehouse.toml", None, {**SECRETS, "WAREHOUSE_PASSWORD": "p"})
    [dsn] = [urlsplit(sink.dsn.reveal()) for sink in config.sinks.values() if isinstance(sink, Postgres)]
    user = services[dsn.hostname]["environment"]["POSTGRES_USER"]

    assert (dsn.username, dsn.password, dsn.path) == (user, "p", f"/{user}")


def test_the_composition_is_valid() -> None:
    needs.need(find_spec("compose_spec"), "the Python package compose-spec; .ci/run installs it")

    import_module("compose_spec").PyCompose.from_yaml(COMPOSE.read_text())  # or ValueError


def test_the_composition_starts_the_gateway_alone_unless_it_is_asked_for_more() -> None:
    services = load(COMPOSE)["services"]

    assert [name for name, service in services.items() if "profiles" not in service] == ["gateway"]


def test_the_composition_publishes_nothing_beyond_this_machine() -> None:
    ports = [port for service in load(COMPOSE)["services"].values() for port in service["ports"]]

    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_gateway_has_the_time_that_it_needs_to_stop() -> None:
    service = load(COMPOSE)["services"]["gateway"]

    assert int(service["stop_grace_period"].removesuffix("s")) >= stop_seconds()


def test_every_file_that_the_composition_mounts_exists() -> None:
    mounts = [mount for each in load(COMPOSE)["services"].values() for mount in each["volumes"]]
    files = [FOLDER / mount.partition(":")[0] for mount in mounts if mount.startswith(".")]

    assert files
    assert [path for path in files if not path.exists()] == []
