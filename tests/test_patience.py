"""What a machine that stands still would fail by is known in one place."""

from __future__ import annotations

import re
from pathlib import Path

from tests.patience import WAITS

ROOT = Path(__file__).parents[1]
_WAITS_S = re.compile(r"\b(?:_CONNECT_S|_READ_S|_MOST_S|_\w*TIMEOUT_S)\b")
_NAMELESS = re.compile(r"timeout=\(?[0-9]")


def test_wherever_the_product_waits_for_an_answer_tests_have_it_wait_longer() -> None:
    for room in ("adapters", "wiring"):
        for file in sorted((ROOT / "chalicelib" / room).rglob("*.py")):
            told = file.read_text()
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            assert set(_WAITS_S.findall(told)) <= set(WAITS.get(module, ())), module
            assert not _NAMELESS.search(told), f"{module} waits for so many seconds without a name"
