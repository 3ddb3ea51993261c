"""The pages about cost and limits say what is computed, and forget no index."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.tables import TABLES
from cli import keys, limits, pages
from infrastructure import firewall


@pytest.mark.parametrize("name", pages.PAGES)
def test_a_page_says_what_is_computed_today(name: str) -> None:
    page = (pages.DOCS / name).read_text()
    assert page.count("<!-- kerb ") == page.count("<!-- end -->") > 0
    assert pages.filled(page) == page, "python -m cli pages"


def test_the_plot_shows_what_is_computed_today() -> None:
    assert pages.PLOT.read_text() == pages.plot()


def test_every_index_is_weighed() -> None:
    declared = set()
    for model in TABLES:
        schema: dict[str, Any] = dict(model._get_schema())
        table = model.Meta.table_name.removeprefix("kerb-")
        declared |= {f"{table}.{it['index_name']}" for it in schema.get("global_secondary_indexes") or ()}
    weighed = {it.name for it in keys.keys(pages.BIG, pages.SESSIONS_AT_ONCE) if "(" not in it.name}
    assert weighed == declared


def test_a_heartbeat_of_thirty_seconds_passes_api_gateways_quota() -> None:
    load = limits.busy(replace(pages.BIG, heartbeat_s=30), 50_000)
    assert load.events["heartbeat"] > 10_000 > limits.busy(pages.BIG, 50_000).events["heartbeat"]


def test_our_own_quota_is_the_firewalls() -> None:
    assert '"limit": 150000' in (Path(pages.__file__).parent / "data" / "quotas.json").read_text()
    assert firewall._KNOCKS == 150_000
