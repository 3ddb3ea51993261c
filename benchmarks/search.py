"""What a search reads, by the size of the network: it must not grow with it.

The search is the product's; the rows it reads lie in a sorted list, for moto looks at every row of a partition.
"""

from __future__ import annotations

import bisect
import random
from collections.abc import Sequence
from itertools import islice

from rich.table import Table

from chalicelib.adapters.discovery.places import DynamoPlaces, row_of, sign_of
from chalicelib.adapters.dynamo import encode
from chalicelib.adapters.tables import PlaceRow
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.chargers.plugs import PlugType
from chalicelib.records.chargers import Plug
from chalicelib.records.discovery import Place, SiteSign

_PAGE = 20
_SEARCHES = 40
# A country: most of its chargers in and around towns, the rest anywhere.
_TOWNS = 60
_SIGN = encode(SiteSign(site_name="Site", address="Street 1", tariff_id="standard", time_zone="Europe/Berlin"))
_SOUTH, _NORTH, _WEST, _EAST = 47.5, 55.0, 6.0, 15.0


class _Listed(DynamoPlaces):
    """The index of places, its rows in order in memory: one for each charger, and one that is its site's sign."""

    def __init__(self, places: Sequence[Place]) -> None:
        super().__init__()
        names = {row_of(it): encode(it) for it in places}
        names |= {sign_of(it.site_id, it.spot): _SIGN for it in places}
        self._stored = {name: names[name] for name in sorted(names)}
        self._names = list(self._stored)

    def _rows(self, area: str, low: str, high: str, limit: int | None) -> Sequence[PlaceRow]:
        first = bisect.bisect_left(self._names, f"{area}/{low}")
        last = bisect.bisect_right(self._names, f"{area}/{high}")
        names = self._names[first : last if limit is None else min(last, first + limit)]
        return [
            PlaceRow(area, name.partition("/")[2], body=self._stored[name], online=True, statuses={}, kept={})
            for name in names
        ]


def table(sizes: Sequence[int]) -> Table:
    """Searches of a page of 20 in networks of several sizes; in towns and in open country, small circles and large."""
    shown = Table(title="GET /v1/chargers/nearby, a page of 20, by the size of the network", title_justify="left")
    for column in ("chargers", "where", "radius km", "queries", "items read", "found"):
        shown.add_column(column, justify="right")
    for size in sizes:
        pick = random.Random(7)
        towns = [_anywhere(pick) for _ in range(_TOWNS)]
        places = _Listed([_place(pick, towns, number) for number in range(size)])
        for where, centres in (("town", towns[:_SEARCHES]), ("anywhere", [_anywhere(pick) for _ in range(_SEARCHES)])):
            for radius_km in (5, 50):
                shown.add_row(f"{size:,}", where, str(radius_km), *_cost(places, centres, radius_km))
    return shown


def _cost(places: _Listed, centres: list[GeoPoint], radius_km: int) -> tuple[str, str, str]:
    places.queries = places.items = 0
    found = sum(len(list(islice(places.near(it, 0, radius_km * 1000), _PAGE))) for it in centres)
    return tuple(f"{number / len(centres):.1f}" for number in (places.queries, places.items, found))  # type: ignore[return-value]


def _anywhere(pick: random.Random) -> GeoPoint:
    return GeoPoint(pick.uniform(_SOUTH, _NORTH), pick.uniform(_WEST, _EAST))


def _place(pick: random.Random, towns: list[GeoPoint], number: int) -> Place:
    spot = _anywhere(pick)
    if number % 5:
        town = pick.choice(towns)
        spot = GeoPoint(town.latitude + pick.gauss(0, 0.04), town.longitude + pick.gauss(0, 0.06))
    plug = Plug(ConnectorId(1), PlugType.CCS_2, 150_000)
    return Place(
        charger_id=f"CP-{number}",
        operator_id="op",
        site_id=f"site-{number}",
        site_name="Site",
        address="Street 1",
        tariff_id="standard",
        spot=spot,
        plugs=(plug,),
    )
