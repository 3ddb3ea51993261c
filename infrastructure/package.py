"""`make package`: what a stage is made of, in build/{stage}: template, code, what both are called, bill of materials.

Same sources and same Python give the same zip, byte for byte, so its name is its content's hash.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from infrastructure import libraries, materials
from infrastructure.stage import STAGES, Stage
from infrastructure.template import LARGEST_BYTES, MOST_RESOURCES, assemble

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
# Lambda's limit, unzipped.
LARGEST_CODE_BYTES = 250 * 1024 * 1024
# What libraries and app may come to before somebody has to say why; bytecode is two fifths more (docs/benchmarks.md).
CODE_BUDGET_BYTES = 100 * 1000 * 1000
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


def from_chalice(stage: Stage, folder: Path) -> dict[str, Any]:
    """What `chalice package` makes of the app alone: its template, and `deployment.zip` in `folder`."""
    with tempfile.TemporaryDirectory() as temporary:
        # Chalice leaves packages in the project and asks pip for its requirements: it gets neither.
        project = Path(temporary)
        shutil.copy(ROOT / "app.py", project)
        ignored = shutil.ignore_patterns("__pycache__", "deployments", "deployed")
        for part in ("chalicelib", ".chalice"):
            shutil.copytree(ROOT / part, project / part, ignore=ignored)
        (project / "requirements.txt").touch()
        chalice = [sys.executable, "-c", "from chalice.cli import main; main()", "package", "--stage", stage.name]
        # It makes no call, but wants to know a region and whose it would be.
        nobody = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1"}
        done = subprocess.run(  # noqa: S603
            [*chalice, str(folder)], cwd=project, env=os.environ | nobody, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise SystemExit(done.stderr)
    template: dict[str, Any] = json.loads((folder / "sam.json").read_text())
    return template


def build(stage: Stage, runtime_python: str | None) -> Path:
    """Everything of a stage; returns its folder."""
    folder = BUILD / stage.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    template = assemble(from_chalice(stage, folder), stage)
    code = folder / "code"
    libraries.install(ROOT / "requirements.txt", ROOT / "constraints.txt", code)
    libraries.check(code)
    before = _bytes_in(code)
    libraries.trim(code, libraries.services_used(ROOT / "chalicelib"))
    with zipfile.ZipFile(folder / "deployment.zip") as app:
        app.extractall(code)
    compiled = _compile(code, runtime_python)
    keys = {"code": _zip(code, folder), "solver": _solver(folder, runtime_python)}
    (folder / "sbom.json").write_text(materials.bill(code, folder / "solver" / "python"))
    written = json.dumps(template, separators=(",", ":"))
    _check_limits(template, written, _bytes_in(code) + _bytes_in(folder / "solver"))
    (folder / "template.json").write_text(written)
    (folder / "release.json").write_text(json.dumps({"stage": stage.name, **keys}))
    for left_over in ("sam.json", "deployment.zip"):
        (folder / left_over).unlink()
    print(  # noqa: T201
        f"{folder.relative_to(ROOT)}: {len(template['Resources'])} resources; libraries {_mb(before)} MB, of them and "
        f"the app {_mb(_bytes_in(code))} MB {'with' if compiled else 'WITHOUT'} bytecode, "
        f"zipped {_mb((folder / 'code.zip').stat().st_size)} MB; the planner's solver "
        f"{_mb(_bytes_in(folder / 'solver'))} MB, zipped {_mb((folder / 'solver.zip').stat().st_size)} MB"
    )
    if not compiled:
        print(  # noqa: T201
            f"No Python {libraries.PYTHON} here, so every cold start compiles; with one: "
            "RUNTIME_PYTHON=/path/to/python make package"
        )
    return folder


def _solver(folder: Path, runtime_python: str | None) -> str:
    """The layer of the planner's solver; returns its zip's name."""
    layer = folder / "solver"
    installed = layer / "python"
    libraries.install(ROOT / "requirements-solver.txt", ROOT / "constraints.txt", installed)
    libraries.check(installed)
    libraries.trim(installed, set())
    _compile(installed, runtime_python, at="/opt/python")
    return _zip(layer, folder)


def _compile(code: Path, runtime_python: str | None, at: str = "/var/task") -> bool:
    """Bytecode by Lambda's own Python, for another's is not read; never checked against sources that cannot change."""
    python = next((it for it in _candidates(runtime_python) if _version(it) == libraries.PYTHON), None)
    if python is None:
        return False
    command = [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    # A traceback names files where Lambda has them. A library may ship what is no Python of this version.
    subprocess.run([*command, "-s", str(code), "-p", at, str(code)], check=False)  # noqa: S603
    return True


def _candidates(named: str | None) -> list[str]:
    return [named] if named else [sys.executable, f"python{libraries.PYTHON}"]


def _version(python: str) -> str:
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        told = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return ""
    return told.stdout.strip()


def _zip(code: Path, folder: Path) -> str:
    """All that is in `code`, as a zip of that name beside others in `folder`; returns a name by its content."""
    zipped = folder / f"{code.name}.zip"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(it for it in code.rglob("*") if it.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(code).as_posix(), _LONG_AGO)
            entry.external_attr, entry.compress_type = _READABLE, zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return f"{hashlib.sha256(zipped.read_bytes()).hexdigest()[:20]}.zip"


def _check_limits(template: dict[str, Any], written: str, code_bytes: int) -> None:
    for what, is_, most in (
        ("bytes of template", len(written), LARGEST_BYTES),
        ("resources", len(template["Resources"]), MOST_RESOURCES),
        ("bytes of code", code_bytes, LARGEST_CODE_BYTES),
    ):
        if is_ > most:
            raise SystemExit(f"{is_} {what}, and AWS takes {most}")


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f}"


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--stage", choices=STAGES, default="dev")
    chosen = options.parse_args()
    build(Stage(chosen.stage), os.environ.get("RUNTIME_PYTHON") or None)
