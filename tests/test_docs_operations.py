"""What docs/operations.md says of tables and schedules is what there is."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.adapters.tables import TABLES
from chalicelib.handlers.schedules import PARTS

PAGE = (Path(__file__).parents[1] / "docs" / "operations.md").read_text()
NAMES = {it.Meta.table_name.removeprefix("kerb-"): it for it in TABLES}


def section(heading: str) -> str:
    return PAGE.partition(heading)[2].partition("\n#")[0]


def test_each_table_has_a_line_that_says_what_it_is_restored_with() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", section("### Which tables together"), re.MULTILINE)
    told = re.findall(r"`(?:kerb-\{stage\})?-(\w+)`", " ".join(rows))
    assert sorted(told) == sorted(NAMES)


def test_the_tables_whose_rows_end_by_no_time_are_named() -> None:
    told = re.search(r"in `expiration`; ((?:`\w+`[,\s and]*)+)have none", PAGE)
    assert told is not None
    assert set(re.findall(r"`(\w+)`", told[1])) == {name for name, it in NAMES.items() if it._ttl_attribute() is None}  # type: ignore[no-untyped-call]


def test_each_schedule_says_what_a_lost_tick_costs() -> None:
    assert set(re.findall(r"`(\w+)`", section("| schedule | a lost tick |").partition("\n\n")[0])) == set(PARTS)
