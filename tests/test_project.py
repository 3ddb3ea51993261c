"""What stands about the project itself, in the places where others look for it, agrees."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RELEASES = re.findall(r"^## (\d+\.\d+\.\d+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_newest_release_in_the_changelog_is_the_version() -> None:
    assert RELEASES[0][0] == PROJECT["project"]["version"]


def test_releases_are_dated_and_the_newest_stands_first() -> None:
    dates = [datetime.strptime(told, "%d %B %Y") for _, told in RELEASES]  # noqa: DTZ007
    numbers = [tuple(int(it) for it in version.split(".")) for version, _ in RELEASES]
    assert all(newer >= older for newer, older in pairwise(dates))
    assert all(newer > older for newer, older in pairwise(numbers))


def test_what_is_not_released_yet_stands_on_top() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert len(headings) == len(RELEASES) + 1


def test_changes_are_sorted_as_added_changed_or_fixed() -> None:
    kinds = set(re.findall(r"^### (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_oldest_python_is_the_same_wherever_it_is_named() -> None:
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert PROJECT["tool"]["mypy"]["python_version"] == oldest
    assert f"Python {oldest}+" in (ROOT / "README.md").read_text()
    assert f"< ({oldest.replace('.', ', ')})" in (ROOT / "Makefile").read_text()
    tried = re.search(r"python: \[(.+)\]", (ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert tried is not None
    assert re.findall(r'"([\d.]+)"', tried[1])[0] == oldest


def test_the_licence_is_the_one_that_is_named() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    licence = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_the_public_ci_runs_what_the_front_page_promises() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    targets = re.search(r"target: \[(.+)\]", workflow)
    assert targets is not None
    assert targets[1].split(", ") == ["check", "test"]
    assert "make ${{ matrix.target }}" in workflow


def test_the_front_page_leads_on_from_right_below_its_title() -> None:
    below = (ROOT / "README.md").read_text().splitlines()[2]
    for label in ("Run it", "API", "OCPP", "Deploy", "Contribute"):
        assert f"[{label}](" in below
