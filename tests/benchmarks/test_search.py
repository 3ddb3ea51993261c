"""The search that is counted is the product's, over rows in memory: no store is asked."""

from __future__ import annotations

import random
from itertools import islice

from benchmarks import search


def test_a_search_reads_each_charger_with_the_sign_of_its_site() -> None:
    pick = random.Random(7)
    town = search._anywhere(pick)
    places = search._Listed([search._place(pick, [town], number) for number in range(40)])
    found = list(islice(places.near(town, 0, 50_000), 20))
    assert len(found) == 20
    assert {it.site_name for _, it in found} == {"Site"}
    assert places.items >= 2 * 20
