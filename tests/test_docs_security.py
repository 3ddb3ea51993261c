"""docs/security.md names what holds each of its lines: a test that is there, or code that is."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "security.md").read_text()
STRIDE = TEXT[TEXT.index("## STRIDE") : TEXT.index("## Payment cards")]
ROWS = [
    [it.strip() for it in line.strip("| ").split(" | ")]
    for line in STRIDE.splitlines()
    if re.match(r"\| [STRIDE] ", line)
]
NAMED = re.compile(r"`([^`\s]+/[^`\s]+|constraints\.txt)`")


@cache
def _tests_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    return frozenset(it.name for it in ast.walk(tree) if isinstance(it, ast.FunctionDef | ast.AsyncFunctionDef))


def test_each_boundary_has_a_line_for_each_letter() -> None:
    for boundary in STRIDE.split("\n### ")[1:]:
        letters = set(re.findall(r"^\| ([STRIDE]) \|", boundary, re.MULTILINE))
        assert letters == set("STRIDE"), boundary.partition("\n")[0]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1][:40]}")
def test_each_line_names_what_holds_it_and_that_is_there(row: list[str]) -> None:
    named = NAMED.findall(row[-1])
    assert named
    for it in named:
        path, _, test = it.partition("::")
        assert (ROOT / path).exists(), it
        assert not test or test in _tests_in(ROOT / path), it


def test_every_file_of_attacks_is_named() -> None:
    files = {f"tests/attacks/{it.name}" for it in (ROOT / "tests" / "attacks").glob("test_*.py")}
    assert files <= {it.partition("::")[0] for it in NAMED.findall(STRIDE)}
