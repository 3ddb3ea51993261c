"""Searches for chargers near a place or along a route, as they are now. What one costs is bounded by its page.

A search that has looked at enough says where it stopped, and goes on from there when asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.chargers.plugs import PlugType
from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.domain.discovery import Polyline
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.ports.chargers import Sites
from chalicelib.ports.discovery import Places, Travel
from chalicelib.ports.pricing import Tariffs
from chalicelib.records.chargers import Plug, Site
from chalicelib.records.discovery import SAME_SPOT_M, Place
from chalicelib.records.drivers import Terms, terms_with
from chalicelib.records.pages import cursor_at, place_at
from chalicelib.services.access import NotFound, is_operators

# So many chargers are looked at for one page, be they wanted or not.
_MOST_LOOKED_AT = 2_000
_MOST_ALONG = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a driver needs; a plug has to meet all of it. `terms` are what operators agreed with them, for prices."""

    kinds: frozenset[PlugType] = frozenset()
    min_power_w: int = 0
    available: bool = False
    operator_id: str | None = None
    text: str = ""
    terms: Mapping[str, Terms] = field(default_factory=dict)

    def is_met_by(self, place: Place) -> bool:
        """Whether a charger is worth the way."""
        if self.operator_id is not None and not is_operators(place, self.operator_id):
            return False
        words = f"{place.site_name} {place.address} {place.charger_id}".casefold()
        if not all(word in words for word in self.text.casefold().split()):
            return False
        return any(self._suits(place, plug) for plug in place.plugs)

    def _suits(self, place: Place, plug: Plug) -> bool:
        return (
            (not self.kinds or plug.kind in self.kinds)
            and plug.max_power_w >= self.min_power_w
            and (not self.available or place.is_free(plug))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A charger that fits, how far it is, and what it costs; `along_m` is where on the way, for a way."""

    place: Place
    distance_m: float
    eta_s: int
    tariff: Tariff | None
    is_estimate: bool
    along_m: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of what was found, and the cursor to go on from, None at the end."""

    items: Sequence[Found]
    next_cursor: str | None


@dataclass(frozen=True)
class Search:
    """Finds chargers for drivers: near a place, along a route, at a site."""

    places: Places
    sites: Sites
    tariffs: Tariffs
    travel: Travel

    def near(self, centre: GeoPoint, radius_m: float, wish: Wish, limit: int, cursor: str | None) -> Page:
        """Chargers that fit, the nearest first. Raises BadCursor for a cursor not ours."""
        seen = _place(cursor)
        kept: list[tuple[float, Place]] = []
        last, looked_at = seen, 0
        for away_m, place in self.places.near(centre, seen[0], radius_m):
            here = (away_m, place.charger_id)
            if here <= seen:
                continue
            if len(kept) >= limit or looked_at >= _MOST_LOOKED_AT:
                return Page(self._priced(kept, wish.terms, centre), cursor_at(last))
            last, looked_at = here, looked_at + 1
            if wish.is_met_by(place):
                kept.append((away_m, place))
        return Page(self._priced(kept, wish.terms, centre), None)

    def along(self, route: Polyline, corridor_m: float, wish: Wish, limit: int, cursor: str | None) -> Page:
        """Chargers that fit, in the order of the route. Raises BadCursor for a cursor not ours."""
        seen = _place(cursor)
        # Circles of twice the corridor around points so close together leave no part of the corridor out.
        spots = list(route.every(corridor_m))
        ordered: list[tuple[float, str, float, Place]] = []
        for looked_at, place in enumerate(self.places.around(spots, 2 * corridor_m)):
            if looked_at >= _MOST_ALONG:
                break
            offset = route.offset(place.spot)
            if offset.off_m <= corridor_m and wish.is_met_by(place):
                ordered.append((offset.along_m, place.charger_id, offset.off_m, place))
        ordered.sort(key=lambda it: it[:2])
        left = [it for it in ordered if it[:2] > seen]
        page = left[:limit]
        start = route.points[0]
        ways = [(place.spot, along_m + off_m) for along_m, _, off_m, place in page]
        priced = self._priced([(off_m, place) for _, _, off_m, place in page], wish.terms, start, ways)
        items = [replace(it, along_m=along_m) for it, (along_m, *_) in zip(priced, page, strict=True)]
        return Page(items, cursor_at(page[-1][:2]) if len(left) > limit else None)

    def site(self, site_id: str, terms: Mapping[str, Terms]) -> tuple[Site, Tariff | None, Sequence[Place]]:
        """A site with its price and its chargers by name. Raises NotFound."""
        site = self.sites.get(site_id)
        if site is None:
            raise NotFound(f"site {site_id}")
        around = self.places.around([site.spot], SAME_SPOT_M) if site.spot else ()
        chargers = sorted((it for it in around if it.site_id == site_id), key=lambda it: it.charger_id)
        tariff = self.tariffs.get(terms_with(site.operator_id, terms).tariff_at(site.tariff_id))
        return site, tariff, chargers

    def _priced(
        self,
        kept: Sequence[tuple[float, Place]],
        terms: Mapping[str, Terms],
        start: GeoPoint,
        ways: Sequence[tuple[GeoPoint, float]] | None = None,
    ) -> list[Found]:
        """One read for each price there is among them, and the drives there, by `ways` that are not straight."""
        drives = self.travel.drives(start, ways or [(place.spot, away_m) for away_m, place in kept])
        tariffs: dict[str, Tariff | None] = {}
        found = []
        for (away_m, place), drive in zip(kept, drives, strict=True):
            tariff_id = terms_with(place.operator_id, terms).tariff_at(place.tariff_id)
            if tariff_id not in tariffs:
                tariffs[tariff_id] = self.tariffs.get(tariff_id)
            found.append(
                Found(
                    place=place,
                    distance_m=away_m,
                    eta_s=drive.eta_s,
                    tariff=tariffs[tariff_id],
                    is_estimate=drive.is_estimate,
                )
            )
        return found


def _place(cursor: str | None) -> tuple[float, str]:
    """How far away the last one was, and which; before the first there is none."""
    if cursor is None:
        return -1.0, ""
    away_m, charger_id = place_at(cursor, float, str)
    return float(away_m), str(charger_id)
