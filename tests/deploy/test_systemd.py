"""The systemd unit, as systemd itself judges it."""

import configparser
import sys
from pathlib import Path

import pytest

from tests.deploy.documents import stop_seconds
from tests.deploy.programs import DEPLOY, adapted, check
from tests.journey import needs

UNIT = DEPLOY / "systemd/gateway.service"
MAX_EXPOSURE = 20  # tenths, as systemd-analyze counts: 0 is closed, 100 is open


def test_the_unit_is_valid(tmp_path: Path) -> None:
    unit = tmp_path / "gateway.service"
    unit.write_text(adapted(UNIT, {"/opt/gateway/bin/gateway": sys.executable}))

    said = check(needs.program("systemd-analyze"), "verify", "--man=no", unit)

    assert "gateway.service" not in said


def test_the_unit_is_hardened() -> None:
    options = ("--offline=yes", f"--threshold={MAX_EXPOSURE}", "--no-pager")

    check(needs.program("systemd-analyze"), "security", *options, UNIT)


def test_the_process_that_builds_the_search_index_may_lower_its_priority() -> None:
    said = check(needs.program("systemd-analyze"), "security", "--offline=yes", "--no-pager", UNIT)

    assert "@resources is included (e.g. setpriority is allowed)" in said


def test_the_user_of_the_unit_is_created(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    program = needs.program("systemd-sysusers")

    check(program, f"--root={tmp_path}", DEPLOY / "systemd/gateway.sysusers")

    assert "gateway:" in (tmp_path / "etc/passwd").read_text()


@pytest.fixture
def service() -> configparser.SectionProxy:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(UNIT)
    return unit["Service"]


def test_the_gateway_has_the_time_that_it_needs_to_stop(service: configparser.SectionProxy) -> None:
    assert int(service["TimeoutStopSec"]) >= stop_seconds()


def test_a_configuration_with_mistakes_is_not_tried_again(service: configparser.SectionProxy) -> None:
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("always", "2")
