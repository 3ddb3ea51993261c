"""The house keeps its rules: arrows run one way, each library has its room, and every file says what it is for."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.properties import asked_by_a_clock

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path
    for folder in ("chalicelib", "cli", "infrastructure", "local", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if path.stat().st_size
)
LONGEST_FILE = 400
# What has more fields is built by their names: of five values in a row nobody sees which is which.
MOST_POSITIONS = 4
FEWEST_WORDS = 4
# Where each outside library may be imported; anywhere else it would leak.
ROOMS = {
    "urllib3": (
        "chalicelib/adapters/notifications/messengers.py",
        "chalicelib/adapters/grid/openadr3.py",
        "chalicelib/adapters/grid/signal_sources.py",
        "chalicelib/adapters/ocpp/web.py",
        "chalicelib/adapters/money/json_rpc.py",
        "chalicelib/adapters/transparency/witnesses.py",
        "chalicelib/adapters/vehicles/http.py",
        "chalicelib/canary/person.py",
        "cli/log_files.py",
    ),
    "stripe": (
        "chalicelib/adapters/money/stripe_payments.py",
        "chalicelib/adapters/money/stripe_answers.py",
        "chalicelib/adapters/money/stripe_top_ups.py",
        "infrastructure/stripe_endpoint.py",
    ),
    "pynamodb": ("chalicelib/adapters/", "infrastructure/tables.py", "benchmarks/"),
    "boto3": ("chalicelib/wiring/", "chalicelib/adapters/", "infrastructure/", "local/", "benchmarks/"),
    "chalice": ("chalicelib/handlers/", "local/", "app.py"),
    "pydantic": ("chalicelib/handlers/",),
    "jinja2": ("chalicelib/handlers/money/paper/",),
    "pydyf": ("chalicelib/handlers/money/paper/",),
    "ocpp": ("chalicelib/protocol/ocpp/", "benchmarks/"),
    "moto": ("local/", "benchmarks/"),
    "PIL": ("local/simulate/",),
}
# Where a test sleeps: all else waits for what it wants (`tests/patience.py`).
SLEEPS = {
    "tests/patience.py": "it is how tests wait",
    "tests/second_store.py": "until a table is there",
    "tests/adapters/test_second_store.py": "until a server listens",
    "tests/handlers/drivers/test_credentials.py": "a login has to be older than a second",
}
Function = ast.FunctionDef | ast.AsyncFunctionDef
# Where whose a thing is may be compared by hand: all else asks services/access.
WHOSE = {
    "chalicelib/services/access/__init__.py": "it is the one place",
    "chalicelib/adapters/dynamo.py": "a condition that DynamoDB checks as it writes",
    "chalicelib/adapters/chargers/registry.py": "a condition that DynamoDB checks as it writes",
    "chalicelib/adapters/drivers/tokens.py": "a condition that DynamoDB checks as it writes",
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


def test_dependencies_run_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    # It would silence every logger that there is, for all that runs in this process next.
    monkeypatch.setattr("logging.config.dictConfig", lambda _: None)
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


CHALICELIB = [path for path in SOURCES if _name(path).startswith("chalicelib/")]


def _words(node: ast.Module | ast.ClassDef | Function) -> int:
    return len((ast.get_docstring(node) or "").split())


def _is_property(function: Function) -> bool:
    return any("property" in ast.unparse(it) for it in function.decorator_list)


def _methods(body: ast.ClassDef) -> Iterator[Function]:
    """The public methods of a class; dunder methods begin with an underscore too."""
    for node in body.body:
        if isinstance(node, Function) and not node.name.startswith("_") and not _is_property(node):
            yield node


@cache
def _promises() -> Mapping[str, Mapping[str, int]]:
    """How many words each port has for each of its methods."""
    classes = [
        node
        for path in CHALICELIB
        if "ports" in path.parts
        for node in _tree(path).body
        if isinstance(node, ast.ClassDef)
    ]
    return {port.name: {method.name: _words(method) for method in _methods(port)} for port in classes}


def _is_promised(keeper: ast.ClassDef, method: Function) -> bool:
    """Whether the class says which port it keeps, and that port says what the method is for.

    An adapter that says it once more could only come to say it otherwise: it says what its calls cost, where that
    differs from what its class says, and nothing else.
    """
    named = re.findall(r"\w+", ast.get_docstring(keeper) or "")
    promises = _promises()
    return any(promises[it].get(method.name, 0) >= FEWEST_WORDS for it in named if it in promises)


def _unsaid(path: Path) -> Iterator[str]:
    tree = _tree(path)
    if _words(tree) < FEWEST_WORDS:
        yield "the module"
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_"):
            continue
        if _words(node) < FEWEST_WORDS:
            yield node.name
        if not isinstance(node, ast.ClassDef):
            continue
        for method in _methods(node):
            is_silent = ast.get_docstring(method) is None
            if _words(method) < FEWEST_WORDS and not (
                is_silent and "adapters" in path.parts and _is_promised(node, method)
            ):
                yield f"{node.name}.{method.name}"


@pytest.mark.parametrize("path", CHALICELIB, ids=_name)
def test_whatever_is_public_says_what_it_is(path: Path) -> None:
    assert list(_unsaid(path)) == []


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


def test_makers_know_nothing_of_plans_and_plans_nothing_of_makers() -> None:
    words = ("capability", "telemetry", "budget")
    allowed = tuple(f"chalicelib.domain.vehicles.{it}" for it in words)
    for path in (ROOT / "chalicelib/adapters/vehicles").glob("*.py"):
        for module in _imports(path):
            assert not module.startswith("chalicelib.domain.vehicles") or module in allowed, f"{_name(path)}: {module}"
    makers = re.compile(r"(?i)smartcar|enode|tesla")
    planners = [it for it in CHALICELIB if {"domain", "records", "ports", "services"} & set(it.parts)]
    assert [_name(it) for it in planners if makers.search(it.read_text())] == []


def _is_dataclass(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    return ast.unparse(called).rpartition(".")[2] == "dataclass"


def test_every_class_of_data_is_made_at_the_price_of_a_start() -> None:
    """The standard's compiles six functions for each; the canary is no function's neighbour and knows no domain."""
    own = ("chalicelib/domain/data_classes.py", "chalicelib/canary/")
    found = [
        _name(path)
        for path in CHALICELIB
        if not _name(path).startswith(own)
        and re.search(r"^from dataclasses import .*\bdataclass\b|\bdataclasses\.dataclass\b", path.read_text(), re.M)
    ]
    assert not found, "from chalicelib.domain.data_classes import dataclass"


def _built_by_position(node: ast.AST) -> bool:
    """Whether it is a dataclass of many fields that may be built by position."""
    if not isinstance(node, ast.ClassDef):
        return False
    fields = [it for it in node.body if isinstance(it, ast.AnnAssign) and "ClassVar" not in ast.unparse(it.annotation)]
    as_declared = [it for it in node.decorator_list if _is_dataclass(it)]
    by_name = any("kw_only=True" in ast.unparse(it) for it in as_declared)
    return bool(as_declared) and len(fields) > MOST_POSITIONS and not by_name


@pytest.mark.parametrize("path", [path for path in SOURCES if "chalicelib" in path.parts], ids=_name)
def test_what_has_many_fields_is_built_by_their_names(path: Path) -> None:
    assert not [node for node in ast.walk(_tree(path)) if _built_by_position(node)]


def test_no_property_is_asked_by_a_clock(request: pytest.FixtureRequest) -> None:
    assert asked_by_a_clock(request.session.items) == []


def test_no_test_sleeps_and_hopes() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("*.py")
        if re.search(r"\btime\.sleep\(", path.read_text())
    }
    assert found == SLEEPS.keys()
