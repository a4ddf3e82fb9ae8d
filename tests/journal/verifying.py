"""Run a complete verification."""

from pathlib import Path
from typing import NamedTuple

from gateway.journal.segments.examine.findings import Finding
from gateway.journal.segments.examine.inventory import find
from gateway.journal.segments.examine.verify import Verification


class Verified(NamedTuple):
    findings: list[Finding]
    events: int
    lost: int

    @property
    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings]


def verified(path: Path) -> Verified:
    work = Verification(find(path))
    findings = [finding for finding in work.run() if finding]
    assert work.faults == sum(finding.fault for finding in findings)
    return Verified(findings, work.events, work.lost)
