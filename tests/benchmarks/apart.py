"""Runs what is counted in a process of its own: in a test's own, workflows of other tests' stacks may still go on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
_LONGEST_S = 900


def told_apart(code: str, told: Path, *arguments: object) -> Any:
    """What `code` writes as JSON to the path it is given first (`sys.argv`), `arguments` after that."""
    command = [sys.executable, "-c", code, str(told), *map(str, arguments)]
    subprocess.run(command, cwd=_ROOT, check=True, timeout=_LONGEST_S)
    return json.loads(told.read_text())
