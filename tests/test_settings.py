"""docs/settings.md names every `KERB_` setting that exists, its default, who reads it and who sets it on AWS."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infrastructure import vault

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "settings.md"
# What ships, what plays AWS on a laptop, what declares AWS: all that a setting can be read or set by.
PYTHON = [
    ROOT / "app.py",
    *(
        path
        for room in ("chalicelib", "local", "infrastructure", "cli", "benchmarks")
        for path in (ROOT / room).rglob("*.py")
    ),
]
NAME = re.compile(r"\bKERB_[A-Z][A-Z0-9_]*\b")
PREFIX = "KERB_"


@dataclass(frozen=True)
class Read:
    """One place that asks for a setting, and what it makes do with; None: it cannot do without."""

    name: str
    default: str | None
    room: str


@dataclass(frozen=True)
class Row:
    """A setting as the page tells of it, cell by cell."""

    name: str
    meaning: str
    default: str
    readers: str
    on_aws: str


def room(path: Path) -> str:
    """`wiring` for chalicelib/wiring/stores.py, `local` for local/stack.py."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "chalicelib" else parts[0]


def constants() -> dict[str, str]:
    """Numbers and texts that modules name, for defaults that are not written out."""
    found: dict[str, str] = {}
    for path in PYTHON:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                found |= {it.id: str(node.value.value) for it in node.targets if isinstance(it, ast.Name)}
    return found


def written_out(node: ast.expr, known: dict[str, str]) -> str:
    """A default as text: `"30"`, `HEARTBEAT_S` and `str(HEARTBEAT_S)` alike."""
    match node:
        case ast.Constant(value):
            return str(value)
        case ast.Name(name) if name in known:
            return known[name]
        case ast.Call(func=ast.Name("str"), args=[inner]):
            return written_out(inner, known)
    raise AssertionError(f"nobody can read this default: {ast.unparse(node)}")


def asked(path: Path, known: dict[str, str]) -> Iterator[Read]:
    """`setting("X")`, and the environment asked by hand."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name("setting") | ast.Attribute(attr="setting"), args=[first, *rest]):
                if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                    raise AssertionError(f"{path}:{node.lineno}: a setting is named where it is asked for")
                name = f"{PREFIX}{first.value}"
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="environ" | "settings"), attr="get" | "pop")
                | ast.Attribute(attr="getenv"),
                args=[ast.Constant(str(name)), *rest],
            ):
                # Asked so, what is missing is nothing.
                rest = rest or [ast.Constant("")]
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(str(name)), ctx=ast.Load()):
                rest = []
            case _:
                continue
        if name.startswith(PREFIX):
            yield Read(name, written_out(rest[0], known) if rest else None, room(path))


def reads() -> list[Read]:
    known = constants()
    return [read for path in PYTHON for read in asked(path, known)]


def mentioned() -> set[str]:
    """Every `KERB_` name in whatever runs, deploys or configures, be it read there or set."""
    others = [*(ROOT / ".chalice").glob("*.json"), *(ROOT / "infrastructure").glob("*.js"), ROOT / "Makefile"]
    return {name for path in [*PYTHON, *others] for name in NAME.findall(path.read_text())}


def declared() -> set[str]:
    """What the template sets in functions: every name that infrastructure/ writes and does not read."""
    here = [path for path in PYTHON if room(path) == "infrastructure"]
    keys: set[str] = set()
    for path in here:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict):
                names = (it.value for it in node.keys if isinstance(it, ast.Constant) and isinstance(it.value, str))
                keys |= {it for it in names if NAME.fullmatch(it)}
    return keys


def rows() -> list[Row]:
    lines = re.findall(r"^\| `KERB_.*\|$", PAGE.read_text(), re.MULTILINE)
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


def page() -> dict[str, Row]:
    return {row.name.strip("`"): row for row in rows()}


def test_every_setting_stands_once_on_the_page_and_nothing_else_does() -> None:
    names = [row.name.strip("`") for row in rows()]
    assert sorted(names) == sorted(mentioned() | {read.name for read in reads()})


def test_every_setting_is_explained() -> None:
    for row in rows():
        assert len(row.meaning.split()) > 3, row
        assert all((row.default, row.readers, row.on_aws)), row


def test_the_page_says_what_counts_when_nothing_is_set() -> None:
    for read in reads():
        told = page()[read.name].default
        if room_is_ours(read.room):
            expected = "none" if read.default is None else f"`{read.default}`" if read.default else "nothing"
            assert told.startswith(expected), f"{read.name}: {told!r} instead of {expected!r}"


def room_is_ours(name: str) -> bool:
    """What only helps on a laptop may ask more or less sternly than what ships."""
    return name not in ("local", "benchmarks", "cli")


def test_the_page_says_which_rooms_read_a_setting() -> None:
    known: dict[str, set[str]] = {name: set() for name in page()}
    for read in reads():
        known[read.name].add(read.room)
    assert {name: set(re.findall(r"`(\w+)`", row.readers)) for name, row in page().items()} == known


def test_a_name_that_ends_in_a_unit_has_it_explained() -> None:
    for name, row in page().items():
        for ending, unit in (("_S", "seconds"), ("_DAYS", "days")):
            assert not name.endswith(ending) or unit in row.meaning, name


@pytest.mark.parametrize("name", sorted(vault.SETTINGS))
def test_the_page_says_which_secret_a_setting_comes_from_and_who_is_told(name: str) -> None:
    _, key, told = vault.SETTINGS[name]
    on_aws = page()[name].on_aws
    assert on_aws.startswith("secret `kerb-{stage}/")
    assert f"`{key}`" in on_aws or not key
    functions = set(re.findall(r"`(\w+)`", on_aws.partition(" for ")[2]))
    assert functions == set(told) or (told == vault.PAYERS and "`PAYERS`" in on_aws)


def test_the_page_says_what_the_template_sets_and_what_is_set_by_hand() -> None:
    by_hand = set()
    for stage in json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"].values():
        by_hand |= {name for name in stage.get("environment_variables", {}) if name.startswith(PREFIX)}
    for name, row in page().items():
        if name in vault.SETTINGS:
            continue
        assert row.on_aws.startswith("template") == (name in declared()), name
        assert name not in by_hand or row.on_aws.startswith("by hand"), name


def test_the_page_about_operations_sends_the_reader_here() -> None:
    assert "(settings.md)" in (ROOT / "docs" / "operations.md").read_text()
