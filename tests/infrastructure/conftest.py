"""What `make package` would write for each stage, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infrastructure.package import from_chalice
from infrastructure.stage import STAGES, Stage
from infrastructure.template import assemble


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Stage -> template."""
    folder: Path = tmp_path_factory.mktemp("package")
    return {name: assemble(from_chalice(Stage(name), folder / name), Stage(name)) for name in STAGES}


@pytest.fixture(scope="session")
def dev(templates: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return templates["dev"]
