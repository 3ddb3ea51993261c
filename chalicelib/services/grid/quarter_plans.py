"""The quarter-hour plan of a site: one query, an outlook, a plan, one conditional write, a look that tells chargers.

It is made where somebody charges who said when they leave, at sites that have an outlook; nobody else's look reads or
writes anything for it. Whatever fails, nobody is worse off than without it: where no plan was found power is shared out
fairly, where its making broke off the last one stands, and a day later none. Who came since has their fair share.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.domain.charging.preferences import ChargingProfile, ToldPlan
from chalicelib.domain.charging.wishes import PlanTold
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.announced import because_asked, fair_rows
from chalicelib.domain.grid.arrivals import Arrivals
from chalicelib.domain.grid.day_plans import lacked
from chalicelib.domain.grid.estimates import as_usual, estimate, fed, unmet_wh
from chalicelib.domain.grid.needs import is_met
from chalicelib.domain.grid.outlook import QUARTER, Outlook, Plan
from chalicelib.domain.grid.plan_course import guided
from chalicelib.domain.grid.signals import Guidance, guidance
from chalicelib.domain.grid.tree import Claim, Port, PortId
from chalicelib.domain.operators import AlarmKind
from chalicelib.ports import Clock
from chalicelib.ports.grid import ManagedSites, Outlooks, Planner, Plans
from chalicelib.ports.operators import AlarmChecks
from chalicelib.records.grid import PlannedPort, SiteState, StoredClaim, StoredPlan, UnaskedPort
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.grid.announced import says_the_same_unasked, unasked_ports, with_announced
from chalicelib.services.grid.balancer import Balancer
from chalicelib.services.grid.claimants import claimed, claims_of
from chalicelib.services.grid.site_conditions import SharedSite, plan_of, site_to_share

QUARTERS = 96
# In the last minute of each quarter of an hour plans are asked for: wishes are gathered for fourteen.
_MINUTES, _LAST = 15, 14
_LAST_MOMENTS = timedelta(minutes=1)
# What a kilogram of CO2 counts as where all who said something want it green: more than any price.
_GREEN_MICROS_PER_KG = 10_000_000
# A plan that stays what it was is written again all the same after so long: its rows end after a day.
_WRITTEN_AGAIN = timedelta(hours=6)
# A row of whoever is to have nothing more.
_NOTHING = (0,) * QUARTERS
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class WishingSites:
    """Each quarter's plans: of the sites where somebody charges who said when they leave, and of no other."""

    managed_sites: ManagedSites
    plans: Plans
    clock: Clock

    def ask(self, part: Part = WHOLE) -> int:
        """Have those of a shard planned, if this is the quarter's last minute; returns how many. No call in others."""
        if self.clock().minute % _MINUTES != _LAST:
            return 0
        found = list(part.in_time(self.managed_sites.wishing(part.shard), self.clock))
        self.plans.ask_for_many(found)
        return len(found)


@dataclass(frozen=True, kw_only=True)
class QuarterPlans:
    """Plans sites, one at a time."""

    managed_sites: ManagedSites
    outlooks: Outlooks
    planner: Planner
    changes: SessionChanges
    balancer: Balancer
    alarm_checks: AlarmChecks
    clock: Clock

    def plan(self, site_id: str) -> StoredPlan | None:
        """Plan a site anew, tell drivers what becomes of their wishes, and have its chargers told.

        A plan that says what stands there already is not written, nor looked at. None where nothing is planned: there
        is nothing to plan, its signals are old, or somebody else was faster.
        """
        state = self.managed_sites.state(site_id, consistent=False)
        wishing = _wishing(state) if state is not None else {}
        if state is None or (not wishing and not (state.plan and state.plan.ports)):
            return None
        at = self.clock()
        outlook = self.outlooks.of(site_id, at, QUARTERS)
        by = guidance(outlook.told_at, at)
        if by is Guidance.LAST_PLAN:
            return None
        is_planned = by is Guidance.PLAN and bool(outlook.price_micros or outlook.carbon_g or outlook.marginal_g)
        found = self._made(state, wishing, outlook, at) if is_planned and wishing else _NOT_MADE
        before, made = state.plan, found or _NOT_MADE
        rows = made.rows
        failed_before = before.failed_since if before is not None else None
        failed_since = (failed_before or at) if found is None else None
        has_turned = (failed_since is None) is not (failed_before is None)
        if failed_since is not None and not has_turned:
            # Whoever found it first may have died before anybody was told.
            self.alarm_checks.ask(AlarmKind.PLANS_FAILED, site_id)
        if not rows and not (before and before.ports) and not has_turned:
            return None
        rows = _woken_first(rows, before, outlook.begins_at, at)
        rows = self._told(rows, {it.session_id: it.estimate for it in before.ports} if before is not None else {})
        plan = StoredPlan(
            version=(before.version if before is not None else 0) + 1,
            planned_at=at,
            begins_at=outlook.begins_at,
            ports=tuple(rows),
            source=outlook.source,
            failed_since=failed_since,
            arrivals=_arrivals(state, at),
            lacked_at=lacked(made.plan, _lacked_at(state), at),
            is_roomy=made.plan.is_roomy,
            unasked=made.unasked,
        )
        if before is not None and not has_turned and _says_the_same(before, plan, at):
            return before
        if not self.managed_sites.keep_plan(site_id, plan):
            return None
        if has_turned:
            self.alarm_checks.ask(AlarmKind.PLANS_FAILED, site_id)
        self.balancer.look(site_id)
        return plan

    def foretell(self, site_id: str, session_ids: Collection[str]) -> None:
        """Tell drivers who have just come, or said something else, what to expect: what a plan made now would give.

        Nothing is held back by it; until the next plan they have their fair share. Where no plan can be made they are
        told what that share comes to.
        """
        state = self.managed_sites.state(site_id)
        wishing = _wishing(state) if state is not None else {}
        if state is None or not any(it.session_id in session_ids for it in wishing.values()):
            return
        at = self.clock()
        outlook = self.outlooks.of(site_id, at, QUARTERS)
        if guidance(outlook.told_at, at) is Guidance.FAIR_SHARE:
            outlook = Outlook(begins_at=outlook.begins_at)
        asked = _question(state, wishing, outlook, at)
        new = [port_id for port_id, it in wishing.items() if it.session_id in session_ids]
        for port_id, told in self._foretold(asked, new).items():
            self._with_told(wishing[port_id].session_id, PlanTold(told, is_answer=True), None)

    def _made(
        self, state: SiteState, wishing: Mapping[PortId, StoredClaim], outlook: Outlook, at: datetime
    ) -> _Made | None:
        """A plan; None where none was found."""
        asked = _question(state, wishing, outlook, at)
        plan = self._planned(asked, tuple(asked.claims.values()), asked.outlook, at)
        if plan is None:
            return None
        waiting = {it: _NOTHING for it, stored in wishing.items() if _has_enough(asked.claims[it], stored)}
        plan = replace(plan, limit_ma=waiting | dict(plan.limit_ma))
        # A plan spares a car that it knows nothing of; what comes of it is told by what most cars are like.
        unseen = [it for it in wishing if it in plan.limit_ma and asked.is_unseen(it)]
        told = self._foretold(asked, unseen) if unseen else {}
        rows = [
            PlannedPort(
                port_id=it,
                session_id=asked.claims[it].session_id,
                limit_ma=row,
                is_full=plan.is_full.get(it, ()),
                estimate=told.get(it) or _estimated(asked.claims[it], asked.ports[it], plan, outlook, at),
            )
            for it in wishing
            if (row := plan.limit_ma.get(it))
        ]
        return _Made(plan, rows, unasked_ports(state.plan, plan, wishing, asked.outlook))

    def _foretold(self, asked: _Question, port_ids: Collection[PortId]) -> Mapping[PortId, ToldPlan]:
        """What is told of them: of the next quarter on by a plan made now, until then by what they have.

        Where no plan is found, by what the fair share comes to.
        """
        outlook, at = asked.outlook, asked.at
        usual = {it: as_usual(asked.claims[it], asked.ports[it]) for it in port_ids}
        fair = asked.fair_rows(outlook)
        granted_ma = {it: row[0] for it, row in fair.items()}
        then, later_at = outlook.from_next(), outlook.begins_at + QUARTER
        later = {it: fed(claim, asked.ports[it], granted_ma.get(it, 0), at, later_at) for it, claim in usual.items()}
        plan = self._planned(asked, tuple((asked.claims | later).values()), then, later_at)
        if plan is None:
            unasked = asked.fair_rows(replace(outlook, demands=())) if outlook.demands else {}
            plan = Plan(begins_at=outlook.begins_at, limit_ma=fair, unasked_ma=unasked)
            return {it: _estimated(claim, asked.ports[it], plan, outlook, at) for it, claim in usual.items()}
        return {
            it: _estimated(claim, asked.ports[it], plan, outlook, at, fed_ma=granted_ma.get(it, 0))
            for it, claim in usual.items()
            if it in plan.limit_ma or is_met(later[it])
        }

    def _planned(self, asked: _Question, claims: Sequence[Claim], outlook: Outlook, at: datetime) -> Plan | None:
        try:
            return self.planner.plan(asked.site.tree, claims, outlook, at, asked.site.conditions)
        except Exception:
            _log.exception("not planned", extra={"site_id": asked.site.tree.site_id})
            return None

    def _told(self, rows: Sequence[PlannedPort], before: Mapping[str, ToldPlan | None]) -> Sequence[PlannedPort]:
        """The rows with what their drivers know of them: told now where that is news, else what they were told before.

        Told before it is written: whoever dies in between has told what the next plan says again, or corrects.
        """
        return [
            replace(it, estimate=self._with_told(it.session_id, PlanTold(it.estimate), before.get(it.session_id)))
            if it.estimate is not None
            else it
            for it in rows
        ]

    def _with_told(self, session_id: str, now: PlanTold, before: ToldPlan | None) -> ToldPlan | None:
        """What its driver knows then."""
        if not now.plan.is_news(before):
            return before
        try:
            return self.changes.apply(session_id, now).told_plan
        except Exception:
            _log.exception("plan not told", extra={"session_id": session_id})
            return before


@dataclass(frozen=True)
class _Made:
    """A plan, what is written of it, and what is kept of how it would be if nobody asked."""

    plan: Plan
    rows: Sequence[PlannedPort] = ()
    unasked: tuple[UnaskedPort, ...] = ()


_NOT_MADE = _Made(Plan(begins_at=datetime(1970, 1, 1, tzinfo=UTC)))


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What is asked of a planner: a site at a moment, its claims, and what the hours to come are like for them."""

    state: SiteState
    site: SharedSite
    ports: Mapping[PortId, Port]
    claims: dict[PortId, Claim]
    outlook: Outlook
    at: datetime

    def is_unseen(self, port_id: PortId) -> bool:
        """Whether nobody knows yet by how many of several phases it charges."""
        port = self.ports[port_id]
        return not port.is_line_to_line and len(port.phases) > 1 and self.claims[port_id].car_phases is None

    def fair_rows(self, outlook: Outlook) -> Mapping[PortId, tuple[int, ...]]:
        """What each port has now, by plan and fair share, in each quarter; less where that is asked."""
        plan = plan_of(self.state, self.state.book)
        claims: Iterable[Claim] = self.claims.values()
        if plan is not None:
            claims = [guided(it, self.ports[it.port_id], plan, self.at) for it in claims]
        return fair_rows(self.site.tree, list(claims), outlook, self.at, self.site.conditions)


def _estimated(  # noqa: PLR0913, PLR0917 (as `estimate`)
    claim: Claim, port: Port, plan: Plan, outlook: Outlook, at: datetime, fed_ma: int | None = None
) -> ToldPlan:
    """What a plan comes to for a car, and that it is an event's doing where it is."""
    row = plan.limit_ma.get(claim.port_id, _NOTHING)
    told = estimate(claim, port, row, outlook, at, unmet_wh=unmet_wh(plan, claim), fed_ma=fed_ma)
    unasked = plan.unasked_ma.get(claim.port_id)
    return because_asked(told, estimate(claim, port, unasked, outlook, at, fed_ma=fed_ma)) if unasked else told


def _question(state: SiteState, wishing: Mapping[PortId, StoredClaim], outlook: Outlook, at: datetime) -> _Question:
    claims = {it.port_id: it for it in claims_of(state, {it.port_id: it for it in state.book.pages})}
    coming = _arrivals(state, at).coming(claims.values(), outlook.begins_at, QUARTERS)
    return _Question(
        state=state,
        site=site_to_share(state, state.book, tuple(claims.values()), at),
        ports={it.port_id: it for it in state.managed.tree.ports},
        claims=claims,
        outlook=_weighed(
            with_announced(replace(outlook, coming_permille=coming, lacked_at=_lacked_at(state)), state, at),
            wishing.values(),
        ),
        at=at,
    )


def _arrivals(state: SiteState, at: datetime) -> Arrivals:
    """Those known when the last plan was written, and those since."""
    known = state.plan.arrivals if state.plan is not None else None
    return (known or Arrivals(until=at - QUARTER)).with_claims(claims_of(state, {}), at)


def _lacked_at(state: SiteState) -> datetime | None:
    return state.plan.lacked_at if state.plan is not None else None


def _wishing(state: SiteState) -> Mapping[PortId, StoredClaim]:
    """Those whom a plan may hold back."""
    return {port_id: stored for port_id, (_, stored) in claimed(state).items() if stored.is_plannable}


def _says_the_same(before: StoredPlan, after: StoredPlan, at: datetime) -> bool:
    """Whether all that a plan says of the time that both know stands there already, and for hours to come."""
    passed = (after.begins_at - before.begins_at) // QUARTER
    if at - before.planned_at > _WRITTEN_AGAIN or len(before.ports) != len(after.ports):
        return False
    if (before.is_roomy, before.lacked_at) != (after.is_roomy, after.lacked_at):
        return False
    if not says_the_same_unasked(before, after):
        return False
    known = {(it.port_id, it.session_id): it for it in before.ports}
    for it in after.ports:
        was = known.get((it.port_id, it.session_id))
        if was is None or was.estimate != it.estimate:
            return False
        left, full = was.limit_ma[passed:], was.is_full[passed:]
        if left != it.limit_ma[: len(left)] or full != it.is_full[: len(full)]:
            return False
    return True


def _woken_first(
    rows: Sequence[PlannedPort], before: StoredPlan | None, begins_at: datetime, at: datetime
) -> Sequence[PlannedPort]:
    """The rows, a pause kept up for the last moments of its quarter: a car is woken first as the next one begins.

    `plan_course` sees to that, and knows of no plan but the newest.
    """
    passed = (begins_at - before.begins_at) // QUARTER if before is not None else 0
    if before is None or passed < 0 or at + _LAST_MOMENTS < begins_at + QUARTER:
        return rows
    paused = {(it.port_id, it.session_id) for it in before.ports if it.limit_ma[passed : passed + 1] == (0,)}
    return [replace(it, limit_ma=(0, *it.limit_ma[1:])) if (it.port_id, it.session_id) in paused else it for it in rows]


def _has_enough(claim: Claim, stored: StoredClaim) -> bool:
    """Whether it has what was asked, and its driver wants nothing beyond that in whatever hour it comes."""
    is_choosy = stored.preferences is not None and stored.preferences.profile is not ChargingProfile.REGULAR
    return is_choosy and is_met(claim)


def _weighed(outlook: Outlook, wishing: Iterable[StoredClaim]) -> Outlook:
    """The outlook by what drivers want of it: where all of them want it green, carbon counts before money."""
    profiles = {it.preferences.profile if it.preferences is not None else ChargingProfile.REGULAR for it in wishing}
    if profiles == {ChargingProfile.GREEN} and (outlook.carbon_g or outlook.marginal_g):
        return replace(outlook, carbon_micros_per_kg=_GREEN_MICROS_PER_KG)
    return outlook
