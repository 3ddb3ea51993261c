"""What `make package` would write for each stage, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infrastructure.package import from_chalice
from infrastructure.stage import STAGES, Stage
from infrastructure.template import assemble


@pytest.fixture(scope="session")
def chalices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], Path]]:
    """Stage -> what Chalice declares, and the zip it makes of the app."""
    folder: Path = tmp_path_factory.mktemp("package")
    return {name: (from_chalice(Stage(name), folder / name), folder / name / "deployment.zip") for name in STAGES}


@pytest.fixture(scope="session")
def templates(chalices: dict[str, tuple[dict[str, Any], Path]]) -> dict[str, dict[str, Any]]:
    """Stage -> template."""
    return {name: assemble(declared, Stage(name)) for name, (declared, _) in chalices.items()}


@pytest.fixture(scope="session")
def dev(templates: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return templates["dev"]
