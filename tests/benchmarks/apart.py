"""Runs what is counted in a process of its own: in a test's own, workflows of other tests' stacks may still go on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.growth import Look

_ROOT = Path(__file__).parents[2]
_LONGEST_S = 900
_PATIENTLY = "from tests.patience import wait_for_answers; wait_for_answers()\n"


def told_apart(code: str, told: Path, *arguments: object) -> Any:
    """What `code` writes as JSON to the path it is given first (`sys.argv`), `arguments` after that."""
    command = [sys.executable, "-c", _PATIENTLY + code, str(told), *map(str, arguments)]
    subprocess.run(command, cwd=_ROOT, check=True, timeout=_LONGEST_S)
    return json.loads(told.read_text())


_LOOK = """
import json, sys
from dataclasses import asdict
from importlib import import_module
looks = import_module(sys.argv[2]).looks
found = {size: {name: asdict(look) for name, look in looks(int(size)).items()} for size in sys.argv[3:]}
json.dump(found, open(sys.argv[1], "w"))
"""


def looks_apart(module: str, told: Path, *sizes: int) -> dict[int, dict[str, Look]]:
    """What each route costs, by name, as a benchmark's `looks` finds it at each of the sizes."""
    found = told_apart(_LOOK, told, module, *sizes)
    return {size: {name: Look(**it) for name, it in found[str(size)].items()} for size in sizes}
