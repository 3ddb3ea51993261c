"""What a site will be asked for, as its plan heeds it and its looks reckon with it: read with all else that is kept.

A site that nobody asks has none of this: nothing is kept, and nothing more is shared out, or solved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from chalicelib.domain.data_classes import replace
from chalicelib.domain.grid.demand_response import SiteDemand, asked_spans
from chalicelib.domain.grid.outlook import QUARTER, Outlook, Plan
from chalicelib.domain.grid.tree import Claim, PortId
from chalicelib.records.grid import SiteState, StoredClaim, StoredPlan, UnaskedPort
from chalicelib.services.grid.claimants import claimed


def with_announced(outlook: Outlook, state: SiteState, at: datetime) -> Outlook:
    """The outlook with what the site is, or will be, asked for."""
    demands = tuple(it for it in state.demands if it.over_at > at and any(asked_spans([it])))
    if not demands:
        return outlook
    moved = [it for it in _carried(state.plan, outlook.begins_at) if it.is_moved]
    return replace(outlook, demands=demands, unasked=_plan(moved, state, outlook.begins_at))


def unasked_ports(
    before: StoredPlan | None, plan: Plan, wishing: Mapping[PortId, StoredClaim], outlook: Outlook
) -> tuple[UnaskedPort, ...]:
    """What is to be kept of how a plan would be if nobody asked, for as long as an event is to come or holds.

    Where something was moved by now it is what was planned before that, and behind it as this plan would have it; so it
    is of a wish that is another than then.
    """
    quarters = max((_quarters_until(it, outlook) for it in outlook.demands), default=0)
    if not quarters:
        return ()
    known = {(it.port_id, it.session_id, it.wish): it for it in _carried(before, outlook.begins_at) if it.is_moved}
    found = []
    for port_id, stored in wishing.items():
        was, now = known.get((port_id, stored.session_id, stored.wish)), plan.unasked_ma.get(port_id, ())
        kept = was.limit_ma if was is not None else ()
        if row := (*kept, *now[len(kept) :])[:quarters]:
            about = UnaskedPort(port_id=port_id, session_id=stored.session_id, wish=stored.wish, limit_ma=row)
            found.append(replace(about, is_moved=was is not None))
    return tuple(found)


def says_the_same_unasked(before: StoredPlan, after: StoredPlan) -> bool:
    """Whether what is to be kept stands there already."""
    return tuple(_carried(before, after.begins_at)) == after.unasked


def with_unasked(claims: list[Claim], state: SiteState, at: datetime) -> list[Claim]:
    """The claims with what each would be planned to have now, were it not for an event."""
    if state.plan is None or not state.plan.unasked or not state.demands:
        return claims
    plan = _plan(state.plan.unasked, state, state.plan.begins_at)
    return [replace(it, unasked_ma=plan.at(it.port_id, at)[0]) for it in claims]


def _plan(rows: Iterable[UnaskedPort], state: SiteState, begins_at: datetime) -> Plan:
    """By those who still charge, and want what they wanted."""
    drawing = {it: (stored.session_id, stored.wish) for it, (_, stored) in claimed(state).items()}
    mine = [it for it in rows if drawing.get(it.port_id) == (it.session_id, it.wish)]
    return Plan(begins_at=begins_at, limit_ma={it.port_id: it.limit_ma for it in mine})


def _carried(plan: StoredPlan | None, begins_at: datetime) -> list[UnaskedPort]:
    """What a plan keeps of it, from a later quarter on."""
    if plan is None:
        return []
    passed = max(0, (begins_at - plan.begins_at) // QUARTER)
    had = {(it.port_id, it.session_id): it.limit_ma[:passed] for it in plan.ports}
    return [
        replace(it, limit_ma=row, is_moved=it.is_moved or had.get((it.port_id, it.session_id)) != it.limit_ma[:passed])
        for it in plan.unasked
        if (row := it.limit_ma[passed:])
    ]


def _quarters_until(demand: SiteDemand, outlook: Outlook) -> int:
    """Until all that it took is given back."""
    return -((outlook.begins_at - demand.over_at) // QUARTER)
