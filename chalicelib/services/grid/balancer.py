"""The look at a site: one query, a sharing, one conditional write, and the frames that follow from it.

The book is written before any frame is sent, so that whoever dies in between has booked too much: the next look sends
it. Two looks at once are one: the version of the book lets one write, and the other looks again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from chalicelib.domain.chargers.charging_ability import ChargingAbility, forms, seen_in
from chalicelib.domain.chargers.commands import ProfilePurpose
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.currents import Conductors, at_worst
from chalicelib.domain.grid.defaults import OfflineDefaults
from chalicelib.domain.grid.grants import PortPage, Trust, held_ma
from chalicelib.domain.grid.leases import ANSWERED_WITHIN, Period
from chalicelib.domain.grid.obedience import Measure
from chalicelib.domain.grid.orders import is_room_wanted, ordered
from chalicelib.domain.grid.plan_course import CourseSite, PlanCourse, building_then, courses, cut, guided, is_near
from chalicelib.domain.grid.port_look import PortNeed, PortOrder, proof_turn
from chalicelib.domain.grid.profiles import keeps_course
from chalicelib.domain.grid.restraint import Restraint, beside_silent
from chalicelib.domain.grid.tree import Grants, Port, PortCurrent, PortId, SiteTree
from chalicelib.domain.grid.waits import PowerWait, power_waits
from chalicelib.ports import Clock, NewId
from chalicelib.ports.charging import Sessions
from chalicelib.ports.grid import Looks, ManagedSites, Plans
from chalicelib.records import Conflict
from chalicelib.records.grid import ChargerFacts, SiteBook, SiteState
from chalicelib.services.at_once import together
from chalicelib.services.grid.announced import with_unasked
from chalicelib.services.grid.claimants import claimed, claims_of, newcomers, notes_of
from chalicelib.services.grid.demand_notes import DemandNotes
from chalicelib.services.grid.dispatch import Dispatch, Outgoing
from chalicelib.services.grid.entries import BookEntries
from chalicelib.services.grid.obedience import Obedience, alarms_of
from chalicelib.services.grid.phase_switching import quiet_phases, switchable
from chalicelib.services.grid.power_waits import PowerWaits
from chalicelib.services.grid.site_conditions import plan_of, sessions_of, site_to_share, unyielding_ma

_AGAIN = 5
# A claim of which nothing was heard for so long may be of a session that is over.
_SILENT = timedelta(minutes=15)
_MOMENT = timedelta(seconds=1)
# Most chargers answer within the first, and all but few within the second.
_SOON = [_MOMENT, 4 * _MOMENT]
_ROUNDING_MA = 1
# What is asked for a time is kept by as much: closer, each car that charges less would be a frame for all others.
_KEPT = 1.02
_LEAST_MA = 6_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Balancer:
    """Looks at sites: whatever asked for it, and however often, a look does what is due and no more."""

    managed_sites: ManagedSites
    sessions: Sessions
    entries: BookEntries
    obedience: Obedience
    demand_notes: DemandNotes
    dispatch: Dispatch
    power_waits: PowerWaits
    looks: Looks
    plans: Plans
    clock: Clock
    new_id: NewId

    def look(self, site_id: str, *, is_check: bool = False) -> int:
        """Share out a site's power; returns how many frames that took. Raises Conflict where others kept looking.

        `is_check`: nothing happened, as far as anybody knows; then the query is half as dear, and claims are looked at
        that nobody ended.
        """
        for attempt in range(_AGAIN):
            state = self.managed_sites.state(site_id, consistent=not is_check or attempt > 0)
            if state is None:
                # What sessions and chargers went on telling when it was taken away keeps it busy no longer.
                self.managed_sites.clear_away(site_id)
                return 0
            if is_check:
                state = self._without_ghosts(state)
            sent = self._looked(state)
            if sent is not None:
                return sent
        raise Conflict(f"site {site_id} is being looked at by others")

    def _looked(self, state: SiteState) -> int | None:
        """The number of frames; None where somebody else has written the book."""
        at = self.clock()
        before = state.book
        book = self.obedience.judged(state, self.entries.entered(state), at)
        restraint, needs, fits, keeps, waits = self._shared(state, book, at)
        pages, orders = ordered(book.pages, needs, at, self.new_id, fits, keeps)
        alarms = alarms_of(state, book, at, fits)
        is_wanted = _is_awaited(pages) and is_room_wanted(pages, needs, at)
        notes = notes_of(state, restraint.grants)
        after = replace(book, pages=tuple(pages), notes=notes, alarms=alarms, is_room_wanted=is_wanted)
        if untold := newcomers(before.notes, notes):
            # Before it is written that they were: should that fail, they are told twice the same, which is once.
            self.plans.foretell(state.managed.tree.site_id, untold)
        if replace(after, changed_at=before.changed_at) != before:
            after = replace(after, version=before.version + 1, changed_at=at)
            if not self.managed_sites.keep(state.managed.tree.site_id, after, is_awaited=_is_awaited(pages)):
                return None
        # The frames begin at once; what is no longer to be folded in, and what is asked for later, goes beside them.
        together(
            partial(self._send, state, after, orders),
            partial(self.managed_sites.folded, state.managed.tree.site_id, state.events),
            partial(self._ask_again, state, after, orders),
        )
        self.obedience.tell(state, after)
        self.demand_notes.note(state, restraint, at)
        self.power_waits.told(state, waits)
        return len(orders)

    def _ask_again(self, state: SiteState, after: SiteBook, orders: Sequence[PortOrder]) -> None:
        """A look is due when answers are; and sooner where room is wanted now that was not when others were lowered."""
        due = [ANSWERED_WITHIN + _MOMENT] if orders else []
        sent = {it.name for it in orders}
        if after.is_room_wanted and not state.book.is_room_wanted and _is_under_way(after.pages, but=sent):
            due += _SOON
        for it in due:
            self.looks.ask_later(state.managed.tree.site_id, it)

    def _shared(self, state: SiteState, book: SiteBook, at: datetime) -> _Shared:
        tree = state.managed.tree
        facts = {it.charger_id: it for it in book.chargers}
        claims = switchable(state, book, claims_of(state, {it.port_id: it for it in book.pages}), at)
        plan = plan_of(state, book)
        if plan is not None:
            ports = {it.port_id: it for it in tree.ports}
            claims = [guided(it, ports[it.port_id], plan, at) for it in claims]
        claims = with_unasked(claims, state, at)
        site = site_to_share(state, book, claims, at)
        conditions, defaults, former = site.conditions, site.defaults, site.former
        kept_ma = unyielding_ma(state, book, at)
        silent_ma = {it.port_id: held_ma(it, at) for it in book.pages if _is_silent(it, facts, at)}
        restraint = beside_silent(
            site.tree, claims, at, conditions, state.demands, silent_ma=silent_ma, kept_ma=kept_ma
        )
        grants = restraint.grants

        later: dict[tuple[bool, ...], _Fits] = {}

        building_at = partial(building_then, site.tree, conditions.building, at)

        def fits_at(then: datetime) -> _Fits:
            # Beside the time itself nothing of a later moment is known but which limits hold, and how near it is.
            key = (is_near(at, then), *(it.begins_at <= then < it.ends_at for it in conditions.limits))
            if key not in later:
                conductors = Conductors.of(site.tree, then, building_at(then), conditions.limits)
                later[key] = _Fits(site.tree.ports, conductors, grants.car_phases)
            return later[key]

        told: Mapping[PortId, PlanCourse] = {}
        if plan is not None:
            told = courses(
                CourseSite(
                    tree=site.tree,
                    plan=plan,
                    claims=claims,
                    target_ma=grants.target_ma,
                    conditions=conditions,
                    fits_at=fits_at,
                    building_at=building_at,
                ),
                at,
            )
        sessions = sessions_of(state)
        in_proof = _to_be_proven(tree, book, {it.charger_id for it in sessions}, at)
        needs = [
            replace(
                _need(
                    page,
                    facts[page.port_id.charger_id],
                    grants,
                    defaults,
                    session_id=sessions.get(page.port_id),
                    kept_ma=kept_ma.get(page.port_id, 0),
                ),
                is_quiet=page.port_id in in_proof,
                default_phases=quiet_phases(state, facts[page.port_id.charger_id], page.port_id)
                if page.port_id in in_proof
                else None,
            )
            for page in book.pages
            if page.port_id not in former
        ]
        # Who does not do as told is told nothing of later, but to stop.
        deaf = {it.port_id for it in book.pages if Measure.ZERO in it.measures}
        needs = [
            _by_plan(it, told[it.port_id], facts, at) if it.port_id in told and it.port_id not in deaf else it
            for it in needs
        ]
        conductors = Conductors.of(site.tree, at, conditions.building, conditions.limits)
        fits = _Fits(site.tree.ports, conductors, grants.car_phases)
        keeps = fits
        if asked := [
            replace(it, limit_w=round(_KEPT * it.limit_w)) for it in restraint.asked if it.limit_w is not None
        ]:
            charging = [it for it in site.tree.ports if it.port_id in sessions]
            conductors = Conductors.of(site.tree, at, conditions.building, asked)
            keeps = _Fits(charging, conductors, grants.car_phases)
        limited = {it.port_id for it in needs if it.limit_ma is not None}
        # Who waits by choice is told so with the plan.
        shares = (it for it in claims if it.port_id in limited and it.planned_ma is None)
        limits = (*conditions.limits, *restraint.asked)
        waits = power_waits(shares, grants, limits, defaults.left_out, at)
        return restraint, needs, fits, keeps, waits

    def _send(self, state: SiteState, book: SiteBook, orders: Sequence[PortOrder]) -> None:
        if not orders:
            return
        ports = {it.port_id: it for it in state.managed.tree.ports}
        facts = {it.charger_id: it for it in book.chargers}
        phases = {it.port_id: it.car_phases for it in book.notes}
        refs = {port_id: stored.ref for port_id, (_, stored) in claimed(state).items()}
        outgoing = [
            Outgoing(
                order=it,
                port=ports[it.port_id],
                facts=facts[it.port_id.charger_id],
                ref=refs.get(it.port_id, ""),
                car_phases=phases.get(it.port_id),
            )
            for it in orders
        ]
        self.dispatch.send(state.managed.tree.site_id, outgoing, is_room_wanted=book.is_room_wanted)

    def _without_ghosts(self, state: SiteState) -> SiteState:
        """The state without claims of sessions that are over: whoever should have ended them died."""
        now = self.clock()
        kept = []
        for stored in state.claims:
            heard_at = max([stored.begun_at, *(it.at for it in stored.draws)])
            session = self.sessions.get(stored.session_id) if now - heard_at > _SILENT else None
            if session is not None and not session.takes_power:
                self.managed_sites.end(stored.site_id, stored.port_id, stored.session_id)
            else:
                kept.append(stored)
        return replace(state, claims=tuple(kept))


def _need(  # noqa: PLR0913 (what is known of a port)
    page: PortPage,
    facts: ChargerFacts,
    grants: Grants,
    defaults: OfflineDefaults,
    *,
    session_id: str | None,
    kept_ma: int,
) -> PortNeed:
    """What a port is to have: what is granted, and never less than the least of a charge that cannot be paused."""
    ability = seen_in(facts.ability or ChargingAbility(), facts.firmware.learnt)
    form = next(iter(forms(ability, ProfilePurpose.SESSION, facts.firmware.learnt.best)), None)
    default_form = next(iter(forms(ability, ProfilePurpose.DEFAULT)), None)
    switching = grants.switching.get(page.port_id)
    # What provably does not keep one is booked at its maximum, and told the least all the same.
    default_ma = _LEAST_MA if page.trust is Trust.DISPROVEN else defaults.limit_ma[page.port_id]
    return PortNeed(
        port_id=page.port_id,
        limit_ma=max(grants.target_ma.get(page.port_id, 0), kept_ma) if session_id is not None and form else None,
        session_id=session_id,
        default_ma=default_ma if default_form is not None else None,
        is_online=facts.is_online,
        form=form,
        default_form=default_form,
        firmware=facts.firmware,
        phases=1 if switching is not None and switching.is_one else None,
    )


def _by_plan(need: PortNeed, course: PlanCourse, facts: Mapping[str, ChargerFacts], at: datetime) -> PortNeed:
    """A port that follows a plan, told as much as its charger keeps; one that keeps no course is told each turn.

    So is one whose clock is wrong: on the day that it is set right all that it was told of would come at another time.
    """
    it = facts[need.port_id.charger_id]
    ability = seen_in(it.ability or ChargingAbility(), it.firmware.learnt)
    if need.limit_ma is None or need.form is None or it.clock_ahead_s or not keeps_course(need.form, ability):
        return need
    course = _kept_up(cut(course, ability.most_periods), ability)
    return replace(need, plan=(Period(at, need.limit_ma), *course.later), plan_ends_at=course.ends_at)


def _kept_up(course: PlanCourse, ability: ChargingAbility) -> PlanCourse:
    """As far as a charger can follow it: one that cannot pause is told of no pause, but that the course ends there."""
    stop = next((it.starts_at for it in course.later if not it.limit_ma), None)
    if ability.pauses_at_zero or stop is None:
        return course
    return PlanCourse(tuple(it for it in course.later if it.starts_at < stop), stop)


def _to_be_proven(tree: SiteTree, book: SiteBook, busy: Collection[str], at: datetime) -> set[PortId]:
    """A port for each firmware, at a charger where nobody charges: there alone it is tried what it keeps.

    Where that was tried last is where it goes on, for a while; then it is tried elsewhere first, for somebody may have
    been about to charge there. None where the site does not want it tried.
    """
    if not tree.proves_firmware:
        return set()
    facts, tried_at = {it.charger_id: it for it in book.chargers}, {it.port_id: it.proof_at for it in book.pages}
    found: dict[str, PortId] = {}
    for port in sorted(tree.ports, key=lambda it: proof_turn(tried_at.get(it.port_id), at)):
        it = facts[port.port_id.charger_id]
        if it.is_online and it.charger_id not in busy and it.firmware.name:
            found.setdefault(it.firmware.name, port.port_id)
    return set(found.values())


def _is_silent(page: PortPage, facts: Mapping[str, ChargerFacts], at: datetime) -> bool:
    """Whether its charger is away, or did not answer what it was told last, be it told twice."""
    if not facts[page.port_id.charger_id].is_online:
        return True
    lease = page.newest
    is_under_way = lease is not None and any(it.counts(at) for it in page.leases)
    return lease is not None and is_under_way and lease.answered_at is None and lease.sends > 1


def _is_awaited(pages: Iterable[PortPage]) -> bool:
    """Whether a charger owes an answer, or has yet to show its default."""
    return any(it.read_name or it.pushes or any(lease.answered_at is None for lease in it.leases) for it in pages)


def _is_under_way(pages: Iterable[PortPage], but: Collection[str]) -> bool:
    """Whether a grant awaits its answer that is none of those."""
    return any(lease.answered_at is None and lease.name not in but for it in pages for lease in it.leases)


@dataclass(frozen=True)
class _Fits:
    """Whether a site carries it if each port draws so much; see `ordered`. Asked for each raise of a look."""

    ports: Sequence[Port]
    conductors: Conductors
    car_phases: Mapping[PortId, int]

    def __call__(self, drawn: Mapping[PortId, PortCurrent]) -> bool:
        sums: dict[int, list[tuple[float, complex]]] = {}
        for port in self.ports:
            current = drawn.get(port.port_id)
            if current is None or not current.first_ma:
                continue
            for place, counted in self.conductors.flows(port, self.car_phases.get(port.port_id)):
                sums.setdefault(place, []).append((current.others_ma, complex(counted)))
            if more_ma := current.first_ma - current.others_ma:
                for place, counted in self.conductors.flows(port, 1):
                    sums.setdefault(place, []).append((more_ma, complex(counted)))
        return all(at_worst(flows) <= self.conductors.limits[place] + _ROUNDING_MA for place, flows in sums.items())


_Shared = tuple[Restraint, Sequence[PortNeed], _Fits, _Fits, Mapping[PortId, PowerWait]]
