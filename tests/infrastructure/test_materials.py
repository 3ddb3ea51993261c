"""What lies in a package is in its bill of materials, by the name and version that advisories use."""

from __future__ import annotations

import json
from pathlib import Path

from infrastructure import materials


def _lay(code: Path, name: str, version: str, told: str) -> None:
    folder = code / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{told}\n")


def test_every_library_in_the_package_is_named_with_version_and_licence(tmp_path: Path) -> None:
    _lay(tmp_path, "Some_Library", "1.2", "License-Expression: Apache-2.0 OR MIT")
    _lay(tmp_path, "older", "3", "Classifier: License :: OSI Approved :: MIT License")
    components = {it["purl"]: it for it in json.loads(materials.bill(tmp_path))["components"]}
    assert set(components) == {"pkg:pypi/some-library@1.2", "pkg:pypi/older@3"}
    assert components["pkg:pypi/some-library@1.2"]["licenses"] == [{"expression": "Apache-2.0 OR MIT"}]
    assert components["pkg:pypi/older@3"]["licenses"] == [{"license": {"name": "MIT License"}}]
