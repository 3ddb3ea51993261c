"""The libraries of requirements.txt for Lambda's Python and processor, without what no function can reach.

Wheels are of Lambda's platform, whatever machine packages them; nothing is built from source.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from infrastructure import models

PYTHON = "3.13"
# Amazon Linux 2023 has glibc 2.34. pip takes each word exactly, so the older ones are named too. A wheel's name is its
# maker's word; `check` looks.
_GLIBC = (2, 34)
_AARCH64 = 183  # e_machine of an ELF header
_PLATFORMS = ("manylinux_2_34_aarch64", "manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
# Chalice ships two of its own files and copies them itself; the rest of it, and what that needs, stays home.
_COPIED_BY_CHALICE = "chalice"
# Botocore carries every service of AWS. PynamoDB, and Powertools through boto3, use this one beside the wiring's.
_ALWAYS = {"dynamodb"}
_NOT_RUN = ("*.pyi", "py.typed", "*.c", "*.h", "*.pyx", "*.pxd", "RECORD", "INSTALLER", "REQUESTED")
# Commands, headers, examples and tests that libraries ship. (Botocore imports its own documentation.)
_NOT_IMPORTED = ("bin", "include", "lib64", "__pycache__", "boto3/examples", "*/tests")
_BOTOCORE_MODELS = "botocore/data"
_BOTO3_MODELS = "boto3/data"


def install(requirements: Path, constraints: Path, into: Path) -> None:
    """What Lambda needs of `requirements`, in the versions of `constraints`."""
    wanted = [line for line in _lines(requirements) if not line.startswith(_COPIED_BY_CHALICE)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--target", str(into), "--only-binary", ":all:", "--implementation", "cp", "--python-version", PYTHON]
    command += [it for platform in _PLATFORMS for it in ("--platform", platform)]
    subprocess.run([*command, "--constraint", str(constraints), *wanted], check=True)  # noqa: S603


def trim(folder: Path, services: set[str]) -> None:
    """Leave out what cannot be reached; of AWS's services keep `services`. Botocore names the service it misses."""
    for pattern in _NOT_IMPORTED:
        for found in folder.glob(pattern):
            shutil.rmtree(found)
    for pattern in _NOT_RUN:
        for found in folder.rglob(pattern):
            found.unlink()
    for found in (folder / _BOTOCORE_MODELS, folder / _BOTO3_MODELS):
        if found.exists():
            models.shorten(found, services)


def check(folder: Path) -> None:
    """Raise SystemExit for a compiled library that Lambda could not load: of another processor, or a newer glibc."""
    for path in sorted(folder.rglob("*.so*")):
        code = path.read_bytes()
        if code[:4] != b"\x7fELF" or int.from_bytes(code[18:20], "little") != _AARCH64:
            raise SystemExit(f"{path.relative_to(folder)} is not for arm64")
        newest = max((tuple(map(int, it)) for it in re.findall(rb"GLIBC_(\d+)\.(\d+)", code)), default=(0, 0))
        if newest > _GLIBC:
            raise SystemExit(f"{path.relative_to(folder)} needs glibc {newest[0]}.{newest[1]}: Lambda has 2.34")


def services_used(chalicelib: Path) -> set[str]:
    """The services that `client(...)` in the wiring is asked for; a test holds that nobody else makes one."""
    return _ALWAYS | {
        call.args[0].value
        for path in (chalicelib / "wiring").glob("*.py")
        for call in _calls(ast.parse(path.read_text()))
        if isinstance(call.func, ast.Name)
        and call.func.id == "client"
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _lines(requirements: Path) -> Iterable[str]:
    return [line for line in requirements.read_text().splitlines() if line and not line.startswith("#")]
