"""The index of places in DynamoDB: the chargers of any H3 cell are one range of one partition.

A partition is a cell of about 12,000 km2; in it rows are sorted by their finest cell's number, in which the chargers of
every cell in between are neighbours. A search walks from the nearest cell outwards: a cell with few chargers is read,
one with many is taken apart. So it costs what it returns, not what the network is. What a site is stands once, beside
its chargers: whoever reads those reads that, and a site changes by one write. One that moves is shown at its new place
from that write on: its sign there says beside which others its chargers' rows still stand, until they have followed.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from chalicelib.adapters.dynamo import decode, delete, encode, put, update
from chalicelib.adapters.tables import PlaceRow
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.chargers.geography import GeoPoint, distance_m
from chalicelib.ports import Clock
from chalicelib.records.chargers import Site
from chalicelib.records.discovery import Place, SiteSign

_AREA, _FINEST = 3, 10
# A cell with more rows than this, of chargers and of sites, is taken apart.
_MANY = 30
# Between a cell and a site; a charger's name comes after "#".
_SIGN = "!"
# H3's children stick out of their parents a little, and its hexagons are not all of one size.
_MARGIN = 1.45
_DIGIT_BITS, _RESOLUTION_BIT = 3, 52


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoPlaces:
    """The index in DynamoDB: the port Places. Methods make one call where they say nothing else.

    `clock` says which reservations are over. `queries` and `items` count what searches have read, for those who want to
    know.
    """

    def __init__(self, clock: Clock = _now) -> None:
        self._clock = clock
        self.queries = 0
        self.items = 0

    def put(self, place: Place) -> str:
        row = row_of(place)
        statuses = {name: status.value for name, status in place.statuses.items()}
        body = encode(place)
        kept = {name: until.isoformat() for name, until in place.kept.items()}
        key = _partition(row), _sort_key(row)
        metered = place.is_metered
        put(PlaceRow(*key, body=body, online=place.online, is_metered=metered, statuses=statuses, kept=kept))
        return row

    def sign(self, site: Site) -> str | None:
        return sign_of(site.site_id, site.spot) if site.spot is not None else None

    def describe(self, site: Site, rows_at: Sequence[str] = ()) -> None:
        if site.spot is not None:
            shown = replace(_sign(site), spot=site.spot, rows_at=tuple(rows_at))
            _put_sign(sign_of(site.site_id, site.spot), shown)

    def leave(self, sign: str, site: Site) -> None:
        _put_sign(sign, replace(_sign(site), is_left=True))

    def clear(self, sign: str) -> None:
        """Two calls, and one for each place found."""
        for place in self._beside(sign, self._clock()):
            self.remove(row_of(place))
        self.remove(sign)

    def remove(self, row: str) -> None:
        delete(PlaceRow(_partition(row), _sort_key(row)))

    def set_status(self, row: str, connector: ConnectorId, status: ConnectorStatus) -> None:
        change = [PlaceRow.statuses.set_entry(str(connector), status.value)]
        update(PlaceRow(_partition(row), _sort_key(row)), change, PlaceRow.area.exists())

    def set_online(self, row: str, online: bool) -> None:
        update(PlaceRow(_partition(row), _sort_key(row)), [PlaceRow.online.set(online)], PlaceRow.area.exists())

    def set_metered(self, row: str, is_metered: bool) -> None:
        change = [PlaceRow.is_metered.set(is_metered)]
        update(PlaceRow(_partition(row), _sort_key(row)), change, PlaceRow.area.exists())

    def set_kept(self, row: str, connector: ConnectorId, until: datetime | None) -> None:
        kept, name = PlaceRow.kept, str(connector)
        change = kept.remove_entry(name) if until is None else kept.set_entry(name, until.isoformat())
        update(PlaceRow(_partition(row), _sort_key(row)), [change], PlaceRow.area.exists())

    def near(self, centre: GeoPoint, from_m: float, within_m: float) -> Iterator[tuple[float, Place]]:
        """Best first: the heap holds cells by the nearest they can be, and places by where they are."""
        heap: list[tuple[float, int, str, str | Place]] = []

        def push(found: str | Place) -> None:
            if isinstance(found, Place):
                least_m = most_m = distance_m(centre, found.spot)
                entry: tuple[float, int, str, str | Place] = (least_m, 1, found.charger_id, found)
            else:
                least_m, most_m = _reach(found, centre)
                entry = (least_m, 0, found, found)
            if most_m >= from_m and least_m <= within_m:
                heapq.heappush(heap, entry)

        for cell in _h3().grid_disk(_h3_cell(centre, _AREA), _rings(within_m)):
            push(cell)
        while heap:
            away_m, _, _, found = heapq.heappop(heap)
            if isinstance(found, Place):
                yield away_m, found
            else:
                for it in self._open(found):
                    push(it)

    def around(self, spots: Sequence[GeoPoint], within_m: float) -> Iterator[Place]:
        """Cells from the largest to the smallest, those that no spot is near enough to left out."""
        cells = {it for spot in spots for it in _h3().grid_disk(_h3_cell(spot, _AREA), _rings(within_m))}
        while cells:
            cell = cells.pop()
            if not any(_reach(cell, spot)[0] <= within_m for spot in spots):
                continue
            for it in self._open(cell):
                if isinstance(it, str):
                    cells.add(it)
                elif any(distance_m(spot, it.spot) <= within_m for spot in spots):
                    yield it

    def _open(self, cell: str) -> Sequence[str | Place]:
        """A cell's places, or its parts where they are many."""
        low, high = _range(cell)
        is_smallest = _h3().get_resolution(cell) >= _FINEST
        limit = None if is_smallest else _MANY + 1
        rows = self._rows(_area_of(cell), low, f"{high}~", limit)
        self.queries += 1
        self.items += len(rows)
        if len(rows) > _MANY and not is_smallest:
            return list(_h3().cell_to_children(cell))
        now = self._clock()
        # A site's chargers are shown at its spot, and so is its sign.
        signs = {_parts(it): decode(SiteSign, it.body) for it in rows if _is_sign(it)}
        shown: dict[str, Place] = {}
        for row in rows:
            if not _is_sign(row):
                place = _place(row, now)
                sign = signs.get((row.cell.partition("#")[0], place.site_id))
                if sign is None or not sign.is_left:
                    shown[place.charger_id] = place.under(sign) if sign is not None else place
        for sign in signs.values():
            for place in (it for other in sign.rows_at for it in self._beside(other, now)):
                # One that has followed meanwhile stands in both places.
                shown.setdefault(place.charger_id, place.under(sign))
        return list(shown.values())

    def _beside(self, sign: str, now: datetime) -> Sequence[Place]:
        """The places of a site that stand at that sign of it."""
        cell, _, site_id = _sort_key(sign).partition(_SIGN)
        rows = self._rows(_partition(sign), f"{cell}#", f"{cell}$", None)
        self.queries += 1
        self.items += len(rows)
        return [it for it in (_place(row, now) for row in rows) if it.site_id == site_id]

    def _rows(self, area: str, low: str, high: str, limit: int | None) -> Sequence[PlaceRow]:
        """The rows of an area from one sort key to another, so many at most."""
        return list(PlaceRow.query(area, PlaceRow.cell.between(low, high), limit=limit))


def _h3() -> Any:
    # What only says that a status has changed has the row's name, and waits for no library.
    import h3  # noqa: PLC0415

    return h3


def row_of(place: Place) -> str:
    """The name of a place's row."""
    cell = _h3_cell(place.spot, _FINEST)
    return f"{_area_of(cell)}/{cell}#{place.charger_id}"


def sign_of(site_id: str, spot: GeoPoint) -> str:
    """The name of the row that says what a site is."""
    cell = _h3_cell(spot, _FINEST)
    return f"{_area_of(cell)}/{cell}{_SIGN}{site_id}"


def _sign(site: Site) -> SiteSign:
    return SiteSign(site_name=site.name, address=site.address, tariff_id=site.tariff_id, time_zone=site.time_zone)


def _put_sign(row: str, sign: SiteSign) -> None:
    put(PlaceRow(_partition(row), _sort_key(row), body=encode(sign), online=False, statuses={}, kept={}))


def _is_sign(row: PlaceRow) -> bool:
    return "#" not in row.cell.partition(_SIGN)[0] and _SIGN in row.cell


def _parts(sign: PlaceRow) -> tuple[str, str]:
    """The cell of a sign, and its site's id."""
    cell, _, site_id = sign.cell.partition(_SIGN)
    return cell, site_id


def _place(row: PlaceRow, now: datetime) -> Place:
    statuses = {name: ConnectorStatus(word) for name, word in row.statuses.items()}
    kept = {name: datetime.fromisoformat(until) for name, until in row.kept.items()}
    for name, until in kept.items():
        if now < until and statuses.get(name) is ConnectorStatus.AVAILABLE:
            statuses[name] = ConnectorStatus.RESERVED
    metered = row.is_metered is not False
    return replace(decode(Place, row.body), online=row.online, is_metered=metered, statuses=statuses, kept=kept)


def _h3_cell(spot: GeoPoint, resolution: int) -> str:
    return str(_h3().latlng_to_cell(spot.latitude, spot.longitude, resolution))


def _area_of(cell: str) -> str:
    return str(_h3().cell_to_parent(cell, _AREA))


def _range(cell: str) -> tuple[str, str]:
    """The numbers of the finest cells in `cell`: its own digits, and from 0s to 6s behind them."""
    resolution = _h3().get_resolution(cell)
    number = _h3().str_to_int(cell) & ~(0xF << _RESOLUTION_BIT) | (_FINEST << _RESOLUTION_BIT)
    low = high = number
    for digit in range(resolution + 1, _FINEST + 1):
        shift = (15 - digit) * _DIGIT_BITS
        low &= ~(7 << shift)
        high = high & ~(7 << shift) | (6 << shift)
    return _h3().int_to_str(low), _h3().int_to_str(high)


def _partition(row: str) -> str:
    return row.partition("/")[0]


def _sort_key(row: str) -> str:
    return row.partition("/")[2]


@cache
def _radius_m(resolution: int) -> float:
    return float(_h3().average_hexagon_edge_length(resolution, unit="m")) * _MARGIN


def _reach(cell: str, spot: GeoPoint) -> tuple[float, float]:
    """The least and the most that anything in `cell` can be away from `spot`."""
    away_m = distance_m(spot, GeoPoint(*_h3().cell_to_latlng(cell)))
    radius_m = _radius_m(_h3().get_resolution(cell))
    return max(0.0, away_m - radius_m), away_m + radius_m


def _rings(within_m: float) -> int:
    """How many rings of areas cover a circle, wherever in its area the centre lies."""
    return 1 + int(within_m / float(_h3().average_hexagon_edge_length(_AREA, unit="m")))
