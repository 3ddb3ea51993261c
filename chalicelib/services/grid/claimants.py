"""Who claims power at a site, as it is shared out: stored claims, draws and notes, in the words of the tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.chargers.events import Currents
from chalicelib.domain.grid.grants import PortPage
from chalicelib.domain.grid.tree import BuildingLoad, Claim, Draw, Grants, Phase, Port, PortId, SiteTree
from chalicelib.records.grid import PortNote, SiteState, StoredClaim, ToldDraw

# A draw that is older says nothing of what flows now.
DRAW_LASTS = timedelta(minutes=5)
_THREE = 3


def claims_of(state: SiteState, pages: Mapping[PortId, PortPage]) -> list[Claim]:
    """The claims at ports of the tree, with what is known of their cars; a claim elsewhere is none."""
    notes = {it.port_id: it for it in state.book.notes}
    return [
        _claim(stored, port, pages.get(port.port_id), notes.get(port.port_id))
        for port, stored in claimed(state).values()
    ]


def claimed(state: SiteState, tree: SiteTree | None = None) -> Mapping[PortId, tuple[Port, StoredClaim]]:
    """Each port that a session claims power at, by its name in the tree, and the newest claim to it.

    `tree`: None for the site's own.
    """
    found: dict[PortId, tuple[Port, StoredClaim]] = {}
    for stored in sorted(state.claims, key=lambda it: it.begun_at):
        port = port_at(tree or state.managed.tree, stored.port_id)
        if port is not None:
            found[port.port_id] = (port, stored)
    return found


def port_at(tree: SiteTree, told: PortId) -> Port | None:
    """The port that is meant: that connector, the only one of its EVSE, or of its charger where no EVSE was told."""
    near = [it for it in tree.ports if it.port_id.charger_id == told.charger_id]
    exact = [it for it in near if it.port_id == told]
    same = exact or [it for it in near if told.connector.evse in (0, it.port_id.connector.evse)]
    return same[0] if len(same) == 1 else None


def _claim(stored: StoredClaim, port: Port, page: PortPage | None, note: PortNote | None) -> Claim:
    known = note if note is not None and note.session_id == stored.session_id else PortNote(port_id=port.port_id)
    return Claim(
        port_id=port.port_id,
        session_id=stored.session_id,
        begun_at=stored.begun_at,
        car_phases=known.car_phases,
        car_most_ma=known.car_most_ma,
        draws=tuple(_draws(stored.draws, port, page)),
        served_wh=max(0, (stored.last_wh or 0) - (stored.first_wh or 0)),
        turn_since=known.turn_since,
        idle_since=known.idle_since,
        asked_wh=stored.asked_wh,
        departs_at=stored.departs_at,
        weight=port.weight,
    )


def _draws(draws: tuple[ToldDraw, ...], port: Port, page: PortPage | None) -> Iterator[Draw]:
    """Each draw with what its charger had confirmed by then; one of before all that is in the book says nothing."""
    for it in draws:
        granted_ma = _granted_ma(page, it.at)
        if granted_ma is not None:
            is_by_one = page is not None and _may_be_by_one(page, it.at)
            yield Draw(at=it.at, current_ma=currents(it, port), granted_ma=granted_ma, is_by_one=is_by_one)


def _may_be_by_one(page: PortPage, at: datetime) -> bool:
    """Whether one phase may have been what its charger was told, and not what its car chose."""
    is_leased = any(it.phases is None and it.answered_at is not None and it.answered_at <= at for it in page.leases)
    is_default_by_one = page.default_phases == 1 or any(it.phases == 1 for it in page.pushes)
    # A default that was put lately may have been another when it was measured.
    is_default_so = not is_leased and (is_default_by_one or (bool(page.pushes) and not page.is_quiet(at)))
    return is_default_so or any(it.phases == 1 and it.sent_at <= at for it in page.leases)


def _granted_ma(page: PortPage | None, at: datetime) -> int | None:
    if page is None:
        return None
    confirmed = [it for it in page.leases if it.is_confirmed and it.answered_at is not None and it.answered_at <= at]
    if confirmed:
        return confirmed[-1].limit_ma(at)
    # A default that was put since was another then.
    is_since = page.told_at is None or page.told_at <= at
    return page.default_ma if is_since and not page.leases else None


def currents(draw: ToldDraw, port: Port) -> Currents:
    """A draw by the port's own phases; power alone is taken as spread evenly over all of them."""
    if draw.current_ma is not None:
        return draw.current_ma
    phases = 1 if port.is_line_to_line else len(port.phases)
    each = round((draw.power_w or 0) * 1000 / (phases * port.voltage_v))
    return (each, each if phases > 1 else None, each if phases == _THREE else None)


def on_site(draw: ToldDraw, port: Port) -> tuple[int, int, int]:
    """A draw by the site's own phases."""
    told = dict.fromkeys(Phase, 0)
    own = currents(draw, port)
    if port.is_line_to_line:
        # One current, through both.
        own = (own[0], own[0], None)
    for phase, current in zip(port.phases, own, strict=False):
        told[phase] += current or 0
    return told[Phase.L1], told[Phase.L2], told[Phase.L3]


def building_of(state: SiteState, at: datetime) -> BuildingLoad | None:
    """What the building takes: as told, or what the main meter counts less what the cars' own meters say."""
    load = state.load
    if load is None:
        return None
    if not load.with_cars:
        return BuildingLoad(at=load.at, load_ma=load.load_ma)
    taken = [0, 0, 0]
    for port, stored in claimed(state).values():
        # Not a draw of after the meter was read: what a car has begun to take since is no less of the building.
        draws = [it for it in stored.draws if load.at - DRAW_LASTS <= it.at <= load.at]
        least = min((on_site(it, port) for it in draws), default=(0, 0, 0))
        taken = [a + b for a, b in zip(taken, least, strict=True)]
    one, two, three = (max(0, a - b) for a, b in zip(load.load_ma, taken, strict=True))
    return BuildingLoad(at=load.at, load_ma=(one, two, three))


def notes_of(state: SiteState, grants: Grants) -> tuple[PortNote, ...]:
    """What is to be remembered of a sharing."""
    return tuple(
        PortNote(
            port_id=port_id,
            session_id=stored.session_id,
            grant_ma=grants.limit_ma.get(port_id, 0),
            target_ma=grants.target_ma.get(port_id, 0),
            bound=grants.bounds.get(port_id),
            turn_since=grants.turn_since.get(port_id),
            idle_since=grants.idle_since.get(port_id),
            car_phases=grants.car_phases.get(port_id),
            car_most_ma=grants.car_most_ma.get(port_id),
            wish=stored.wish,
            switching=grants.switching.get(port_id),
        )
        for port_id, (_, stored) in claimed(state).items()
    )


def newcomers(before: Sequence[PortNote], after: Sequence[PortNote]) -> Sequence[str]:
    """The sessions whose wishes are others than at the last look: their drivers are to be told what comes of them."""
    known = {(it.session_id, it.wish) for it in before}
    return [it.session_id for it in after if it.wish and (it.session_id, it.wish) not in known]
