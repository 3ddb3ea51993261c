"""The audit of what is pinned: whether a version that we ship or build with has a known vulnerability.

It says how many of the pins were looked up, and never that nothing was found where nothing was looked for. Exit status:
0 all were looked up and none is vulnerable, 1 one is, 2 some or all were not audited.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CLEAN, VULNERABLE, NOT_AUDITED = 0, 1, 2
_ROOT = Path(__file__).parent.parent
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """A known vulnerability of a pinned version, by the id of its advisory, and the versions that mend it."""

    name: str
    version: str
    advisory: str
    mended_in: tuple[str, ...]

    def __str__(self) -> str:
        mended = f", mended in {', '.join(self.mended_in)}" if self.mended_in else ""
        return f"{self.name} {self.version}: {self.advisory}{mended}"


@dataclass(frozen=True, slots=True)
class Audit:
    """What became of each pin: `findings`, and the `unaudited` ones, of `pins` in all."""

    pins: int
    findings: tuple[Finding, ...]
    unaudited: tuple[str, ...]

    @property
    def status(self) -> int:
        """The exit status."""
        if self.findings:
            return VULNERABLE
        return NOT_AUDITED if self.unaudited or not self.pins else CLEAN

    def lines(self) -> Sequence[str]:
        """What to tell."""
        told = [f"Vulnerable: {it}" for it in self.findings]
        audited = self.pins - len(self.unaudited)
        if not audited:
            return [*told, f"NOT AUDITED: none of {self.pins} pinned versions could be looked up"]
        if self.unaudited:
            some = ", ".join(self.unaudited[:_MOST_NAMED])
            more = f" and {len(self.unaudited) - _MOST_NAMED} more" if len(self.unaudited) > _MOST_NAMED else ""
            told.append(f"NOT AUDITED: {len(self.unaudited)} of {self.pins} pinned versions ({some}{more})")
        told.append(f"Audited {audited} of {self.pins} pinned versions: {len(self.findings)} known vulnerabilities")
        return told


def pins_of(constraints: str) -> Mapping[str, str]:
    """Every pinned version, by its name in the spelling of PEP 503."""
    return {_plain(name): version for name, version in _PIN.findall(constraints)}


def read(report: str, pins: Mapping[str, str]) -> Audit:
    """What pip-audit's JSON report says of those pins; an empty or broken one says nothing of any."""
    try:
        told = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        told = []
    audited, findings = set(), []
    for it in told:
        name, version = _plain(it["name"]), it.get("version")
        if it.get("skip_reason") or pins.get(name) != version:
            continue
        audited.add(name)
        findings += [Finding(name, version, vuln["id"], tuple(vuln.get("fix_versions", ()))) for vuln in it["vulns"]]
    return Audit(len(pins), tuple(findings), tuple(sorted(pins.keys() - audited)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--unaudited-passes", action="store_true", help="exit with 0 where the service is out of reach")
    options = parser.parse_args(arguments)
    constraints = _ROOT / "constraints.txt"
    audit = read(_report(constraints), pins_of(constraints.read_text()))
    sys.stdout.write("\n".join([*audit.lines(), ""]))
    return CLEAN if audit.status == NOT_AUDITED and options.unaudited_passes else audit.status


def _report(constraints: Path) -> str:
    """pip-audit's own report, empty where it gave none; what it said beside it is in build/audit.log."""
    build = _ROOT / "build"
    build.mkdir(exist_ok=True)
    command = [
        sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "-r", str(constraints),
        "--progress-spinner", "off", "-f", "json",
    ]  # fmt: skip
    with (build / "audit.log").open("w") as log:
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True, check=False)  # noqa: S603
    (build / "audit.json").write_text(ran.stdout)
    return ran.stdout


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
