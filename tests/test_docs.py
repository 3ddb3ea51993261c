"""The pages that list things list what the code has, and lead to what is there."""

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
    for name in re.findall(r"`((?:services|protocol|handlers|scenarios)/[\w/]*)`", (DOCS / "ocpp.md").read_text()):
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


ROOT = DOCS.parent
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
# Rooms of the layout that stand once somebody needs them (docs/adding.md, "Rooms to come"; README, "What it does").
TO_COME = {
    "adapters/vehicles",
    "protocol/ocpi",
    "protocol/ocpp",
    "domain/grid",
    *(
        f"services/{capability}"
        for capability in (
            "ocpp",
            "sessions",
            "money",
            "charging",
            "reservations",
            "drivers",
            "discovery",
            "chargers",
            "pricing",
            "notifications",
            "access",
        )
    ),
}
HOUSE = ("chalicelib", "infrastructure", "local", "cli", "benchmarks", "tests", "docs", ".github", ".chalice")
TOP = (*HOUSE, *(path.name for path in (ROOT / "chalicelib").iterdir() if path.is_dir()))


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def heading_ids(page: Path) -> set[str]:
    """What the headings of a page are called in links, as GitHub names them."""
    told = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", told, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", it).lower().replace(" ", "-") for it in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, heading = target.partition("#")
        if path.startswith(("http://", "https://")):
            continue
        found = page.parent / path if path else page
        assert found.exists(), target
        assert not heading or heading in heading_ids(found), target


def paths_named(page: Path) -> set[str]:
    """What a page sets as code and looks like a path of ours: `services/money/funds.py`, `tests/faults/`, ..."""
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))
    named = {it.rstrip("/") for it in spans if re.fullmatch(r"[.\w-]+(/[.\w*-]+)+/?", it)}
    return {it for it in named if it.partition("/")[0] in TOP}


def is_there(named: str) -> bool:
    """Whether it is found from the root, in chalicelib/ or in tests/; docs/ocpp.md leaves out the `.py` of tests."""
    places = (ROOT, ROOT / "chalicelib", ROOT / "tests")
    return any(list(place.glob(f"{named}{ending}")) for place in places for ending in ("", ".py"))


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    missing = {it for it in paths_named(page) if not is_there(it) and it.removeprefix("chalicelib/") not in TO_COME}
    assert not missing


def test_the_index_lists_every_page_and_every_decision_once() -> None:
    index = (DOCS / "README.md").read_text()
    linked = [it for it in re.findall(r"\]\(([^)#]+)\)", index) if not it.startswith("..")]
    assert sorted(linked) == sorted(
        path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if path.name != "README.md"
    )


def test_the_index_calls_decisions_as_they_call_themselves_and_says_which_are_superseded() -> None:
    rows = re.findall(r"^\| (\d+) \| \[(.+)\]\((adr/.+\.md)\) \| (.*?) ?\|$", (DOCS / "README.md").read_text(), re.M)
    assert len(rows) == len(list((DOCS / "adr").iterdir()))
    for number, title, path, mark in rows:
        record = (DOCS / path).read_text()
        assert record.startswith(f"# {number}. {title}\n")
        newer = re.search(r"^\*\*Superseded by \[ADR (\d+)\]\(", record, re.MULTILINE)
        assert mark == (f"superseded by {newer[1]}" if newer else "")


def test_a_decision_that_supersedes_another_is_named_by_it() -> None:
    records = {int(path.name[:4]): path.read_text() for path in (DOCS / "adr").iterdir()}
    by_older = {
        (old, int(it)) for old, text in records.items() for it in re.findall(r"\*\*Superseded by \[ADR (\d+)\]", text)
    }
    by_newer = {
        (int(it), new) for new, text in records.items() for it in re.findall(r"^Supersedes \[ADR (\d+)\]", text, re.M)
    }
    assert by_older == by_newer
    assert (5, 15) in by_older


def test_no_page_but_the_records_sends_the_reader_to_a_superseded_decision() -> None:
    old = [path.name for path in (DOCS / "adr").iterdir() if "**Superseded by" in path.read_text()]
    for page in PAGES:
        if page.parent.name != "adr" and page != DOCS / "README.md":
            assert not [name for name in old if name in page.read_text()], page_name(page)


def test_what_a_comment_calls_a_decision_is_about_that() -> None:
    """`docs/adr/0014-cost.md` in a comment is there; a bare number is too easily another's."""
    for room in ("chalicelib", "infrastructure", "local", "cli", "benchmarks"):
        for path in (ROOT / room).rglob("*.py"):
            for named in re.findall(r"docs/adr/[\w.-]+", path.read_text()):
                assert (ROOT / named.rstrip(".")).exists(), f"{path}: {named}"


def test_the_cost_on_the_front_page_is_the_computed_one() -> None:
    verdict = (DOCS / "cost.md").read_text().partition("<!-- kerb verdict -->\n")[2].partition("\n<!-- end -->")[0]
    computed, standing = re.findall(r"\$(\d+(?:\.\d+)?) ", verdict)[0], re.findall(r"\$(\d+) a month stand", verdict)[0]
    told = (ROOT / "README.md").read_text()
    assert f"About ${float(computed):.2f} a charger and month" in told
    assert f"some ${round(int(standing), -1)} a month" in told
