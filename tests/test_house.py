"""The house keeps its rules: arrows run one way, each library has its room, and every file says what it is for."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path
    for folder in ("chalicelib", "cli", "infrastructure", "local", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if path.stat().st_size
)
LONGEST_FILE = 400
# Where each outside library may be imported; anywhere else it would leak.
ROOMS = {
    "urllib3": ("chalicelib/adapters/notifications/messengers.py",),
    "stripe": ("chalicelib/adapters/money/stripe_payments.py",),
    "pynamodb": ("chalicelib/adapters/", "infrastructure/tables.py", "benchmarks/"),
    "boto3": ("chalicelib/wiring/", "chalicelib/adapters/", "infrastructure/", "local/", "benchmarks/"),
    "chalice": ("chalicelib/handlers/", "local/", "app.py"),
    "pydantic": ("chalicelib/handlers/",),
    "jinja2": ("chalicelib/handlers/money/paper/",),
    "pydyf": ("chalicelib/handlers/money/paper/",),
    "ocpp": ("chalicelib/protocol/ocpp/", "benchmarks/"),
    "moto": ("local/", "benchmarks/"),
}
# Where whose a thing is may be compared by hand: all else asks services/access.py.
WHOSE = {
    "chalicelib/services/access.py": "it is the one place",
    "chalicelib/adapters/chargers/chargers.py": "a condition that DynamoDB checks as it writes",
    "chalicelib/adapters/drivers/catalog.py": "a condition that DynamoDB checks as it writes",
}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_dependencies_run_one_way() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_every_module_states_its_law(path: Path) -> None:
    assert ast.get_docstring(_tree(path)), f"{_name(path)} does not say what it is for"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_file_is_too_long_to_have_one_reason_to_change(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_each_library_stays_in_its_room(path: Path) -> None:
    for module in _imports(path):
        rooms = ROOMS.get(module.partition(".")[0])
        assert rooms is None or _name(path).startswith(rooms), f"{_name(path)} imports {module}"


@pytest.mark.parametrize("path", [path for path in SOURCES if "domain" in path.parts], ids=_name)
def test_the_domain_needs_only_the_standard_library(path: Path) -> None:
    for module in _imports(path):
        top = module.partition(".")[0]
        assert top in sys.stdlib_module_names or module.startswith("chalicelib.domain"), f"{_name(path)}: {module}"


def test_nothing_is_called_utils() -> None:
    assert not [path for path in SOURCES if path.stem in ("utils", "helpers", "common", "misc")]


def _compares_owners(node: ast.AST) -> bool:
    """Whether an operator or a driver stands on a side of an equality, be it an attribute or a name."""
    if not isinstance(node, ast.Compare) or not all(isinstance(it, ast.Eq | ast.NotEq) for it in node.ops):
        return False
    sides = [node.left, *node.comparators]
    names = {
        it.attr if isinstance(it, ast.Attribute) else it.id for it in sides if isinstance(it, ast.Attribute | ast.Name)
    }
    return bool(names & {"operator_id", "driver_id"})


def test_whose_a_thing_is_is_asked_in_one_place() -> None:
    by_hand = {
        _name(path)
        for path in SOURCES
        if "chalicelib" in path.parts and any(_compares_owners(node) for node in ast.walk(_tree(path)))
    }
    assert by_hand == set(WHOSE)


def test_no_class_name_stands_for_two_things() -> None:
    places: dict[str, list[str]] = {}
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for node in _tree(path).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(_name(path))
    assert {name: sorted(found) for name, found in places.items() if len(found) > 1} == {}
