"""The audit says what was looked up, and nothing else passes for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infrastructure import audit
from infrastructure.audit import CLEAN, NOT_AUDITED, VULNERABLE, pins_of, read

CONSTRAINTS = (audit._ROOT / "constraints.txt").read_text()
PINS = {"stripe": "16.0.0", "typing-extensions": "4.1"}


def report(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def looked_up(name: str, version: str, *vulns: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": version, "vulns": list(vulns)}


def skipped(name: str) -> dict[str, Any]:
    return {"name": name, "skip_reason": f"Dependency not found on PyPI and could not be audited: {name}"}


def test_pins_are_read_however_they_are_spelled() -> None:
    text = "# a word\nStripe==16.0.0\ntyping_extensions==4.1 ; python_version < '4'\nmoto[all]==5.2\n"
    assert pins_of(text) == {"stripe": "16.0.0", "typing-extensions": "4.1", "moto": "5.2"}


def test_all_looked_up_and_nothing_found_is_a_pass() -> None:
    found = read(report(looked_up("stripe", "16.0.0"), looked_up("typing_extensions", "4.1")), PINS)
    assert found.status == CLEAN
    assert found.lines() == ["Audited 2 of 2 pinned versions: 0 known vulnerabilities"]


def test_a_known_vulnerability_fails_and_is_named() -> None:
    vuln = {"id": "PYSEC-1", "fix_versions": ["16.0.1"]}
    found = read(report(looked_up("stripe", "16.0.0", vuln), skipped("typing-extensions")), PINS)
    assert found.status == VULNERABLE
    assert found.lines()[0] == "Vulnerable: stripe 16.0.0: PYSEC-1, mended in 16.0.1"


@pytest.mark.parametrize(
    "text",
    ["", "Connection refused", "{}", "[]", report(), report(skipped("stripe"), skipped("typing-extensions"))],
    ids=["nothing", "no JSON", "another report", "a list", "empty", "all skipped"],
)
def test_what_was_not_looked_up_is_not_audited(text: str) -> None:
    found = read(text, PINS)
    assert found.status == NOT_AUDITED
    assert found.lines() == ["NOT AUDITED: none of 2 pinned versions could be looked up"]


@pytest.mark.parametrize("other", [skipped("stripe"), looked_up("stripe", "15.9.9")], ids=["skipped", "other version"])
def test_a_part_looked_up_is_no_pass_for_the_rest(other: dict[str, Any]) -> None:
    found = read(report(looked_up("typing-extensions", "4.1"), other), PINS)
    assert found.status == NOT_AUDITED
    assert found.lines()[0] == "NOT AUDITED: 1 of 2 pinned versions (stripe)"


def test_only_who_says_so_takes_not_audited_for_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_report", lambda _: "")
    assert audit.main([]) == NOT_AUDITED
    assert audit.main(["--unaudited-passes"]) == CLEAN
    vulnerable = report(looked_up("stripe", pins_of(CONSTRAINTS)["stripe"], {"id": "PYSEC-1", "fix_versions": []}))
    monkeypatch.setattr(audit, "_report", lambda _: vulnerable)
    assert audit.main(["--unaudited-passes"]) == VULNERABLE
