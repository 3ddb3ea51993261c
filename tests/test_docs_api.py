"""docs/api.md names every code that a refusal can have, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from infrastructure.rest import METHOD_NOT_ALLOWED, REFUSALS

ROOT = Path(__file__).parents[1]


def test_every_refusal_is_documented() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "chalicelib").rglob("*.py"))
    ours = set(re.findall(r"Refusal\(\s*\"(\w+)\"", code))
    problem = (ROOT / "chalicelib" / "handlers" / "http" / "problem.py").read_text()
    plain = set(re.findall(r"\(\w+, \d{3}, \"(\w+)\"\)", problem)) | set(
        re.findall(r"return \d{3}, \"(\w+)\"", problem)
    )
    gateway = {word for _, word, _ in (*REFUSALS.values(), METHOD_NOT_ALLOWED)}
    table = re.findall(r"^\| (`.+?) \|", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    documented = {word for cell in table for word in re.findall(r"`(\w+)`", cell)}
    assert documented == ours | plain | gateway
