"""Demand response as an operator tells it: events, the contracts of sites, opting out, and what came of it.

An event is written once, by its id and revision; a queue finds the sites that it is for and writes it among what is
kept of each, where the next look finds it. Each step may be done again, late, or after the next one: the younger
revision holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.delivery import QuarterDelivery, quarters, summed
from chalicelib.domain.grid.demand_response import Contract, DemandEvent, DemandTarget, demand_of
from chalicelib.domain.grid.restraint import rated_w
from chalicelib.domain.operators import AlarmKind
from chalicelib.ports import Clock
from chalicelib.ports.grid import DemandEvents, DemandSpread, Looks, ManagedSites
from chalicelib.ports.operators import AlarmChecks
from chalicelib.records import Conflict
from chalicelib.records.grid import ManagedSite
from chalicelib.services.access import NotFound, Refusal, operators_own
from chalicelib.services.at_once import at_once

# All its sites are read, written and looked at for it: how often that can be had for the asking.
_AT_ANY_PACE = 5  # words of one event: whoever erred says so at once
_TOLD_APART, _SPREAD_APART = timedelta(seconds=10), timedelta(minutes=1)
_KNOWN_AHEAD = timedelta(days=400)
_AGAIN = 5
# Whoever asks for longer tells it anew.
LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """What an event delivered by quarters of an hour: all its sites together, and some of them one by one.

    `next_site` is where those go on that are not shown, None after the last.
    """

    event: DemandEvent
    total: Sequence[QuarterDelivery]
    sites: Sequence[tuple[str, Sequence[QuarterDelivery]]]
    site_count: int
    next_site: str | None


@dataclass(frozen=True, kw_only=True)
class DemandResponse:
    """Takes events and contracts; has events reach their sites, and sums up what they delivered."""

    events: DemandEvents
    spread: DemandSpread
    managed_sites: ManagedSites
    looks: Looks
    alarm_checks: AlarmChecks
    clock: Clock

    def sign(self, operator_id: str, contract: Contract) -> Contract:
        """A site takes part from the next event on that is told. Raises NotFound for one that is not managed."""
        signed = replace(contract, rated_w=rated_w(self._managed(operator_id, contract.site_id).tree))
        self.events.sign(signed)
        return signed

    def contract(self, operator_id: str, site_id: str) -> Contract:
        """What a site agreed to. Raises NotFound."""
        return operators_own(
            self.events.contract(operator_id, site_id), operator_id, f"a demand response contract of site {site_id}"
        )

    def leave(self, operator_id: str, site_id: str) -> None:
        """A site takes part no more, and not in what is under way either. Raises NotFound."""
        self._managed(operator_id, site_id)
        if not self.events.end(operator_id, site_id):
            raise NotFound(f"a demand response contract of site {site_id}")
        state = self.managed_sites.state(site_id)
        now = self.clock()
        for demand in state.demands if state is not None else ():
            if demand.over_at > now:
                self.events.opt_out(site_id, demand.event_id, now)
        self.looks.ask(site_id)

    def tell(self, event: DemandEvent) -> DemandEvent:
        """Ask sites for something, or for something else than before under that id; the event as it is kept.

        Said again, a minute later at the soonest, it reaches those whom it did not reach. Raises Refusal for one that
        nobody could carry out, and for the sixth word of it and more within seconds of the last.
        """
        now = self.clock()
        _check(event, now)

        def revised(known: DemandEvent | None) -> DemandEvent:
            if known is not None and known.says_the_same(event):
                return (
                    known if now - (known.spread_at or known.told_at) < _SPREAD_APART else replace(known, spread_at=now)
                )
            if known is None and max(it.ends_at for it in event.intervals) <= now:
                raise Refusal("invalid_event", "it is over already")
            if known is not None and known.revision >= _AT_ANY_PACE and now - known.told_at < _TOLD_APART:
                raise Refusal(
                    "told_too_soon", f"an event is told anew {_TOLD_APART.seconds} s after the last word of it"
                )
            anew = known.replaced_by(event, now) if known is not None else event
            return replace(anew, told_at=now, revision=known.revision + 1 if known is not None else 1)

        return self._kept(event.operator_id, event.event_id, revised)

    def cancel(self, operator_id: str, event_id: str) -> DemandEvent:
        """What was asked is asked no more; what holds is given back. Raises NotFound."""
        now = self.clock()

        def revised(known: DemandEvent | None) -> DemandEvent:
            event = operators_own(known, operator_id, f"demand response event {event_id}")
            if event.cancelled_at is not None:
                return event
            return replace(event, cancelled_at=now, revision=event.revision + 1)

        return self._kept(operator_id, event_id, revised)

    def event(self, operator_id: str, event_id: str) -> DemandEvent:
        """An event. Raises NotFound."""
        return operators_own(self.events.get(operator_id, event_id), operator_id, f"demand response event {event_id}")

    def page(self, operator_id: str, limit: int, cursor: str | None) -> tuple[Sequence[DemandEvent], str | None]:
        """Some of an operator's events, by their ids. Raises BadCursor."""
        return self.events.page(operator_id, limit, cursor)

    def opt_out(self, operator_id: str, site_id: str, event_id: str) -> None:
        """A site takes part in an event no more; said again, nothing changes. Raises NotFound."""
        self._managed(operator_id, site_id)
        state = self.managed_sites.state(site_id)
        if state is None or event_id not in {it.event_id for it in state.demands}:
            raise NotFound(f"demand response event {event_id} at site {site_id}")
        if self.events.opt_out(site_id, event_id, self.clock()):
            self.looks.ask(site_id)

    def find_sites(self, operator_id: str, event_id: str) -> int:
        """Have an event reach the sites that it is for; the number of them. A read, and a message for each 25.

        Its operator hears of it by an alarm, whoever told it.
        """
        event = self.event(operator_id, event_id)
        contracts = list(self.events.contracts(operator_id))
        meant = [it for it in contracts if event.is_for(it)]
        # What was told before may have been for others.
        told = meant if event.revision == 1 else contracts
        self.spread.reach(operator_id, event_id, sum(it.rated_w for it in meant), [it.site_id for it in told])
        if told:
            self.alarm_checks.ask(AlarmKind.DEMAND_RESPONSE, f"{operator_id}/{event_id}")
        return len(meant)

    def reach(self, operator_id: str, event_id: str, rated: int, site_ids: Sequence[str]) -> None:
        """Write an event among what is kept of these sites, and have them looked at. A read and a write for each."""
        event = self.event(operator_id, event_id)

        def write(site_id: str) -> None:
            contract = self.events.contract(operator_id, site_id)
            if contract is None:
                return
            demand = demand_of(event, contract, rated)
            if demand is not None:
                self.events.demand(demand)
                return
            # It was meant before.
            withdrawn = demand_of(replace(event, target=DemandTarget()), replace(contract, programs=frozenset()), rated)
            if withdrawn is not None:
                self.events.demand(replace(withdrawn, stopped_at=event.told_at), is_known=True)

        at_once(write, site_ids)
        self.looks.ask_for_many(site_ids, at_once=True)

    def report(self, operator_id: str, event_id: str, limit: int, after: str | None) -> DeliveryReport:
        """What an event delivered so far: in all, and at up to `limit` sites behind that one. Raises NotFound.

        All that was noted is read: a megabyte a call, or some 700 quarters of an hour of a site.
        """
        event = self.event(operator_id, event_id)
        sites = [(it, quarters(samples)) for it, samples in self.events.samples(operator_id, event_id)]
        behind = [it for it in sites if after is None or it[0] > after]
        return DeliveryReport(
            event=event,
            total=summed(of_site for _, of_site in sites),
            sites=behind[:limit],
            site_count=len(sites),
            next_site=behind[limit - 1][0] if len(behind) > limit else None,
        )

    def _kept(
        self, operator_id: str, event_id: str, revised: Callable[[DemandEvent | None], DemandEvent]
    ) -> DemandEvent:
        for _ in range(_AGAIN):
            known = self.events.get(operator_id, event_id)
            after = revised(known)
            if after == known:
                return after
            if self.events.put(known, after):
                self.spread.begin(operator_id, event_id)
                return after
        raise Conflict(f"demand response event {event_id} is being told by others")

    def _managed(self, operator_id: str, site_id: str) -> ManagedSite:
        return operators_own(self.managed_sites.get(site_id), operator_id, f"the grid of site {site_id}")


def _check(event: DemandEvent, now: datetime) -> None:
    if max(it.ends_at for it in event.intervals) > now + _KNOWN_AHEAD:
        raise Refusal("invalid_event", f"an event ends within {_KNOWN_AHEAD.days} days")
    if any(it.ends_at <= it.begins_at for it in event.intervals):
        raise Refusal("invalid_event", "an interval ends before it begins")
    if max(it.ends_at for it in event.intervals) - event.begins_at > LONGEST:
        raise Refusal("invalid_event", f"an event lasts {LONGEST.days} days at the most")
