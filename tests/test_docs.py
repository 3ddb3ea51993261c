"""The pages that list things list what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.adapters.tables import TABLES
from chalicelib.adapters.tables.base import PREFIX
from chalicelib.protocol.ocpp import dialect_for

DOCS = Path(__file__).parent.parent / "docs"
COLUMNS = {"ocpp1.6": 1, "ocpp2.0.1": 2, "ocpp2.1": 3}


def listed(heading: str, version: str) -> set[str]:
    """The actions that a table of docs/ocpp.md marks for a version."""
    page = (DOCS / "ocpp.md").read_text()
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\| [A-Z].*$", section, re.M)]
    return {row[0] for row in rows if row[COLUMNS[version]] == "x"}


@pytest.mark.parametrize("version", COLUMNS)
def test_every_action_of_every_version_is_on_the_page_about_ocpp(version: str) -> None:
    dialect = dialect_for(version)
    assert listed("What a charger says", version) == set(dialect.decoders)
    assert listed("What a charger is asked", version) == set(dialect.asks())


def test_every_test_the_page_names_is_there() -> None:
    tests = DOCS.parent / "tests"
    for name in re.findall(r"`((?:services|protocol|handlers|scenarios)/\w*)`", (DOCS / "ocpp.md").read_text()):
        assert (tests / name).is_dir() or (tests / f"{name}.py").is_file(), name


def test_every_table_stands_once_in_the_map_of_personal_data() -> None:
    data_map = (DOCS / "security.md").read_text().partition("\n## Data map\n")[2].partition("\n## ")[0]
    tables = data_map.partition("\n| elsewhere |")[0]
    mapped = re.findall(r"^\| `(\w+)` \|", tables, re.MULTILINE)
    assert sorted(mapped) == sorted(model.Meta.table_name.removeprefix(PREFIX) for model in TABLES)


def test_the_map_of_personal_data_knows_what_is_forgotten_by_itself() -> None:
    """A table with a time to live says for how many days at least; one without says no number."""
    page = (DOCS / "security.md").read_text()
    kept = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|", page, re.MULTILINE))
    for model in TABLES:
        lapses = model._ttl_attribute() is not None  # type: ignore[no-untyped-call]
        told = kept[model.Meta.table_name.removeprefix(PREFIX)]
        assert lapses == (re.search(r"\d+ days?", told) is not None), model.Meta.table_name
