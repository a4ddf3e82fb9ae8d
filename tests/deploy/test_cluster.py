"""Three gateways on Kubernetes and in the composition: valid by the schemas, and configured as they run."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its types are a package of their own

from gateway.config import file
from tests.deploy.documents import load
from tests.deploy.programs import DEPLOY, check, tool
from tests.journey import needs

SECRETS = {
    "WRITE_KEY": "w",
    "INSPECTOR_TOKEN": "t",
    "NATS_PASSWORD": "n",
    "STATE_URL": "postgresql://gateway:p@postgres/gateway?sslmode=disable",
    "STATE_PASSWORD": "s",
    "WAREHOUSE_DSN": "postgresql://gateway:p@warehouse.example/events",
    "NODE": "gateway-1",
}
FILES = [DEPLOY / "cluster/gateway.toml", DEPLOY / "container/cluster.toml"]


@cache
def built() -> str:
    return check(needs.program("kubectl"), "kustomize", DEPLOY / "cluster")


def objects(kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in yaml.safe_load_all(built()) if each["kind"] == kind}


def containers() -> list[dict[str, Any]]:
    return [
        container
        for each in objects("StatefulSet").values()
        for container in each["spec"]["template"]["spec"]["containers"]
    ]


def test_all_objects_are_valid(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(built())

    check(tool("kubernetes-validate"), "--strict", tmp_path / "all.yaml")


def test_there_are_three_gateways_and_three_servers_on_different_machines() -> None:
    sets = objects("StatefulSet")

    assert {name: each["spec"]["replicas"] for name, each in sets.items()} == {
        "gateway": 3,
        "nats": 3,
        "postgres": 1,
    }
    for name in ("gateway", "nats"):
        [spread] = sets[name]["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert spread["labelSelector"]["matchLabels"] == sets[name]["spec"]["selector"]["matchLabels"]


def test_every_selector_finds_the_pods_of_one_set() -> None:
    labels = {
        name: each["spec"]["template"]["metadata"]["labels"] for name, each in objects("StatefulSet").items()
    }
    services = [each["spec"]["selector"] for each in objects("Service").values()]
    budgets = [each["spec"]["selector"]["matchLabels"] for each in objects("PodDisruptionBudget").values()]
    policies = [each["spec"]["podSelector"]["matchLabels"] for each in objects("NetworkPolicy").values()]

    for selector in (*services, *budgets, *policies):
        assert len([name for name, found in labels.items() if selector.items() <= found.items()]) == 1


def test_every_pod_keeps_to_the_restricted_pod_security_standard() -> None:
    for each in objects("StatefulSet").values():
        context = each["spec"]["template"]["spec"]["securityContext"]
        assert context["runAsNonRoot"]
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers():
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert not container["securityContext"]["allowPrivilegeEscalation"]


def test_only_the_secrets_that_the_file_says_to_create_are_used() -> None:
    said = (DEPLOY / "cluster/kustomization.yaml").read_text()
    names = [
        source["secretKeyRef"]["name"]
        for container in containers()
        for variable in container.get("env", ())
        if "secretKeyRef" in (source := variable.get("valueFrom", {}))
    ]

    assert {f"secret generic {name} " for name in (*names, "gateway")} <= set(
        re.findall(r"secret generic \w+ ", said)
    )
    variables = set(re.findall(r"\$\{(\w+)\}", FILES[0].read_text()))
    assert {name for name in variables if f"--from-literal={name}=" not in said} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_configuration_shares_a_journal_that_is_synced_by_a_majority(path: Path) -> None:
    config = file.load(path, None, SECRETS)

    assert (config.journal.engine, config.journal.require) == ("jetstream", "fsync")
    assert (len(config.journal.servers), config.journal.replicas) == (3, 3)
    assert config.state.url


@pytest.mark.parametrize("folder", ["cluster", "container"])
def test_every_server_of_the_journal_syncs_before_it_acknowledges(folder: str, tmp_path: Path) -> None:
    text = (DEPLOY / folder / "nats.conf").read_text()
    file = tmp_path / "nats.conf"
    file.write_text(text.replace('"/data"', f'"{tmp_path}/data"'))
    names = {"NODE": "nats-1", "POD_NAME": "nats-0", "NATS_PASSWORD": "n"}

    subprocess.run([tool("nats-server"), "-t", "-c", file], env={**os.environ, **names}, check=True)

    assert 'sync_interval: "always"' in text


def test_the_composition_has_what_its_gateways_name() -> None:
    services = load(DEPLOY / "container/compose.yaml")["services"]
    config = file.load(FILES[1], None, SECRETS)
    servers = [server.removeprefix("nats://").partition(":")[0] for server in config.journal.servers]
    nodes = {services[name]["environment"]["NODE"] for name in ("gateway-1", "gateway-2", "gateway-3")}

    assert [name for name in (*servers, "postgres") if services[name]["profiles"] != ["cluster"]] == []
    assert {sink.node for sink in config.sinks.values()} <= nodes
