"""The Kubernetes objects: built by kubectl, and valid by Kubernetes' own schemas. No cluster is started."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # its types are a package of their own

from gateway.config import file
from tests.deploy.documents import stop_seconds
from tests.deploy.programs import DEPLOY, check, tool
from tests.journey import needs

FOLDER = DEPLOY / "kubernetes"
SECRETS = {"WRITE_KEY": "w", "INSPECTOR_TOKEN": "t"}


@cache
def built() -> str:
    return check(needs.program("kubectl"), "kustomize", FOLDER)


def objects(kind: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(built()) if each["kind"] == kind]


def pod() -> dict[str, Any]:
    """Return the spec of the gateway's pods."""
    [stateful_set] = objects("StatefulSet")
    found: dict[str, Any] = stateful_set["spec"]["template"]["spec"]
    return found


def test_all_objects_are_valid(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(built())

    check(tool("kubernetes-validate"), "--strict", tmp_path / "all.yaml")


def selectors() -> Iterator[dict[str, str]]:
    for service in objects("Service"):
        yield service["spec"]["selector"]
    for kind in ("StatefulSet", "PodDisruptionBudget"):
        yield from (each["spec"]["selector"]["matchLabels"] for each in objects(kind))
    for policy in objects("NetworkPolicy"):
        yield policy["spec"]["podSelector"]["matchLabels"]


def test_every_selector_finds_the_pods() -> None:
    [stateful_set] = objects("StatefulSet")
    labels = stateful_set["spec"]["template"]["metadata"]["labels"]

    found = list(selectors())

    assert [selector for selector in found if not selector or selector.items() - labels.items()] == []
    assert len(found) == 5


def test_every_port_that_is_named_exists() -> None:
    [container] = pod()["containers"]
    ports = {port["name"] for port in container["ports"]}
    probes = [container[f"{kind}Probe"]["httpGet"]["port"] for kind in ("startup", "liveness", "readiness")]
    services = [port["targetPort"] for each in objects("Service") for port in each["spec"]["ports"]]
    [policy] = objects("NetworkPolicy")
    allowed = [port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]]

    assert {*probes, *services, *allowed} - ports == set()


def test_the_gateway_has_the_time_that_it_needs_to_stop() -> None:
    [container] = pod()["containers"]
    waits = container["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert pod()["terminationGracePeriodSeconds"] >= waits + stop_seconds()


def test_the_pods_keep_to_the_restricted_pod_security_standard() -> None:
    [container] = pod()["containers"]
    of_pod, of_container = pod()["securityContext"], container["securityContext"]

    assert of_pod["runAsNonRoot"]
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert of_container["capabilities"] == {"drop": ["ALL"]}
    assert of_container["readOnlyRootFilesystem"]
    assert not of_container["allowPrivilegeEscalation"]


def test_the_configuration_takes_its_secrets_from_the_environment_and_its_files_lie_on_the_disk() -> None:
    config = file.load(FOLDER / "gateway.toml", None, SECRETS)

    [container] = pod()["containers"]
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert config.inspector.token
    assert [str(config.journal.path.parent), "/etc/gateway"] == mounts
