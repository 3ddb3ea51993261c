"""Managed sites as their operator describes and steers them: trees, building loads, temporary limits."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from chalicelib.domain.chargers.commands import Unable
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.description import Preview, previewed, tree_faults
from chalicelib.domain.grid.leases import CLOCK_SLACK, LEASE, ROAMS_FOR
from chalicelib.domain.grid.profiles import clearings
from chalicelib.domain.grid.tree import OperatorLimit, Port, PortId, SiteTree
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, Connectors, Setups, Sites
from chalicelib.ports.charging import Sessions
from chalicelib.ports.grid import DemandEvents, Looks, ManagedChargers, ManagedSites
from chalicelib.records.chargers import Charger, Gone, Purpose
from chalicelib.records.grid import FormerPort, ManagedSite, NamedLimit, SiteState, StoredClaim, ToldLoad
from chalicelib.services.access import NotFound, Refusal, is_operators, operators_own
from chalicelib.services.at_once import at_once
from chalicelib.services.chargers.commands import ChargerCommands
from chalicelib.services.grid.charger_news import ManagedChargerNews

_MOST_FAULTS = 5
# So many hold at a time.
_MOST_LIMITS = 20
_LONGEST_PLAN = timedelta(days=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SiteGrids:
    """Describes managed sites, and takes what is told of them. Whatever changes what may flow asks for a look."""

    managed_sites: ManagedSites
    looks: Looks
    chargers: Chargers
    connectors: Connectors
    sites: Sites
    managed_chargers: ManagedChargers
    charger_news: ManagedChargerNews
    setups: Setups
    sessions: Sessions
    commands: ChargerCommands
    demand_events: DemandEvents
    clock: Clock

    def describe(self, operator_id: str, tree: SiteTree, meter_charger_id: str | None) -> None:
        """From now on the site's power is shared out by this tree. Said again, what was broken off is done to its end.

        Raises NotFound for another's site, Refusal (`invalid_grid`) that names what cannot be so.
        """
        site = operators_own(self.sites.get(tree.site_id), operator_id, f"site {tree.site_id}")
        chargers = self._checked(operator_id, tree, meter_charger_id)
        known = self.managed_sites.get(tree.site_id)
        left = sorted((_chargers_of(known) | set(known.left)) - chargers.keys()) if known is not None else []
        managed = ManagedSite(
            operator_id=operator_id,
            tree=tree,
            changed_at=self.clock(),
            meter_charger_id=meter_charger_id,
            former=_former(known, tree, self.clock()),
            left=tuple(left),
        )
        # The tree first: a charger that says it is managed is looked for there.
        self.managed_sites.put(managed)
        self.sites.put(replace(site, is_load_managed=True))
        at_once(lambda it: self.managed_chargers.manage(it, tree.site_id, is_meter=it == meter_charger_id), chargers)
        told_by = [it for it in left if self._let_go(it, tree.site_id)]
        if told_by or (known is not None and known.meter_charger_id != meter_charger_id):
            # Another tells it from now on, or nobody: that the one before is silent is no news.
            self.managed_sites.forget_load(tree.site_id)
        at_once(lambda it: self._claim(tree.site_id, it), chargers)
        # How it can be limited is asked of a charger where that matters, and not before.
        at_once(self.setups.mark_due, [it for it in chargers.values() if it.managed_at != tree.site_id])
        self.looks.ask(tree.site_id)

    def preview(self, operator_id: str, tree: SiteTree, meter_charger_id: str | None) -> Preview:
        """What a tree would ask of its nodes and conductors at worst; nothing is kept. Raises as `describe`."""
        operators_own(self.sites.get(tree.site_id), operator_id, f"site {tree.site_id}")
        self._checked(operator_id, tree, meter_charger_id)
        return previewed(tree)

    def described(self, operator_id: str, site_id: str) -> ManagedSite:
        """A site as described. Raises NotFound."""
        return operators_own(self.managed_sites.get(site_id), operator_id, f"the grid of site {site_id}")

    def forget(self, operator_id: str, site_id: str) -> None:
        """Its power is shared out no more; chargers are told to forget their defaults. Raises NotFound.

        A grant that they were told last stays with them until its lease ends, and so does all with one that is offline.
        """
        known = self.described(operator_id, site_id)
        site = self.sites.get(site_id)
        if site is not None and is_operators(site, operator_id):
            self.sites.put(replace(site, is_load_managed=False))
        at_once(lambda it: self.managed_chargers.manage(it, ""), _chargers_of(known))
        self.demand_events.end(operator_id, site_id)
        self.managed_sites.remove(site_id)
        at_once(self._take_back, known.tree.ports)

    def _take_back(self, port: Port) -> None:
        for command in clearings(port):
            try:
                self.commands.send(port.port_id.charger_id, command, Purpose.OPERATOR)
            except (Gone, Unable) as error:
                _log.info("default not taken back", extra={"port": str(port.port_id), "why": str(error)})

    def state(self, operator_id: str, site_id: str) -> SiteState:
        """All that is known of a managed site now. Raises NotFound."""
        found = self.managed_sites.state(site_id)
        if found is None or not is_operators(found.managed, operator_id):
            raise NotFound(f"the grid of site {site_id}")
        return found

    def tell_load(self, operator_id: str, site_id: str, load_ma: tuple[int, int, int], at: datetime | None) -> None:
        """What the building takes now, or took `at` a moment that is past. Raises NotFound, Refusal (`has_meter`)."""
        managed = self.described(operator_id, site_id)
        if managed.meter_charger_id is not None:
            raise Refusal("has_meter", f"the main meter of charger {managed.meter_charger_id} tells this site's load")
        now = self.clock()
        self.charger_news.tell(site_id, ToldLoad(at=min(at or now, now), load_ma=load_ma))

    def limit(self, operator_id: str, site_id: str, limit_id: str, limit: OperatorLimit, told_by: str) -> None:
        """The site, or one node of it, may take less for a time. Raises NotFound, Refusal."""
        state = self.state(operator_id, site_id)
        if limit.node_id not in {it.node_id for it in state.managed.tree.nodes}:
            raise NotFound(f"node {limit.node_id}")
        now = self.clock()
        others = [it for it in state.limits if it.limit_id != limit_id and it.limit.ends_at > now]
        if len(others) >= _MOST_LIMITS:
            raise Refusal("too_many_limits", f"a site has {_MOST_LIMITS} limits at a time at the most")
        self.managed_sites.limit(site_id, NamedLimit(limit_id=limit_id, limit=limit, told_by=told_by))
        self.looks.ask(site_id, at_once=True)

    def lift(self, operator_id: str, site_id: str, limit_id: str) -> None:
        """A limit holds no more. Raises NotFound."""
        self.described(operator_id, site_id)
        if not self.managed_sites.lift(site_id, limit_id):
            raise NotFound(f"limit {limit_id}")
        self.looks.ask(site_id)

    def _checked(self, operator_id: str, tree: SiteTree, meter_charger_id: str | None) -> Mapping[str, Charger]:
        """The chargers of a tree that can be. Raises Refusal."""
        faults = list(tree_faults(tree))
        wanted = {it.port_id.charger_id for it in tree.ports} | ({meter_charger_id} if meter_charger_id else set())
        known: dict[str, Charger] = {}

        def read(charger_id: str) -> None:
            charger = self.chargers.get(charger_id)
            if charger is not None and is_operators(charger, operator_id):
                known[charger_id] = charger

        at_once(read, sorted(wanted))
        faults += _charger_faults(tree, known)
        if meter_charger_id is not None and meter_charger_id not in known:
            faults.append(f"charger {meter_charger_id!r}, whose main meter is to tell the load, is not registered")
        elif meter_charger_id is not None and known[meter_charger_id].site_id != tree.site_id:
            faults.append(
                f"charger {meter_charger_id!r}, whose main meter is to tell the load, stands at site "
                f"{known[meter_charger_id].site_id!r}"
            )
        elif meter_charger_id is not None and not known[meter_charger_id].has_main_meter:
            faults.append(f"charger {meter_charger_id!r} is not registered to have a main meter")
        if faults:
            raise Refusal("invalid_grid", "; ".join(faults[:_MOST_FAULTS]))
        return known

    def _let_go(self, charger_id: str, site_id: str) -> bool:
        """It is the site's no more, should it be none other's by now; whether it may have told what the site takes."""
        charger = self.chargers.get(charger_id)
        if charger is None or charger.managed_at != site_id:
            return False
        self.managed_chargers.manage(charger_id, "")
        return charger.has_main_meter

    def _claim(self, site_id: str, charger_id: str) -> None:
        """Who charges there already claims power too."""
        for state in self.connectors.of_charger(charger_id):
            session = self.sessions.get(state.session_id) if state.session_id else None
            if session is not None and session.takes_power:
                self.managed_sites.begin(
                    StoredClaim(
                        site_id=site_id,
                        port_id=PortId(charger_id, session.connector),
                        session_id=session.session_id,
                        begun_at=self.clock(),
                        ref=session.ref or "",
                        preferences=session.preferences,
                    )
                )


def _charger_faults(tree: SiteTree, known: Mapping[str, Charger]) -> Iterator[str]:
    told = set()
    for port in tree.ports:
        charger_id = port.port_id.charger_id
        charger = known.get(charger_id)
        if charger is None:
            if charger_id not in told:
                yield f"charger {charger_id!r} is not registered"
            told.add(charger_id)
        elif charger.site_id != tree.site_id:
            if charger_id not in told:
                yield f"charger {charger_id!r} stands at site {charger.site_id!r}"
            told.add(charger_id)
        elif port.port_id.connector not in charger.connectors:
            yield f"charger {charger_id!r} has no connector {port.port_id.connector}"
    ports = {it.port_id for it in tree.ports}
    for charger_id, charger in known.items():
        missing = [it for it in charger.connectors if PortId(charger_id, it) not in ports]
        if missing and any(it.port_id.charger_id == charger_id for it in tree.ports):
            yield f"charger {charger_id!r} has connector {missing[0]} too, which is no port of the tree"


def _former(known: ManagedSite | None, tree: SiteTree, at: datetime) -> tuple[FormerPort, ...]:
    """The ports that a tree has no more, for as long as what was told them may count: nobody tells them anything.

    One that leaves now may have been told its last grant at this moment. A plan's lease may be longer: the book knows.
    """
    if known is None:
        return ()
    now = {it.port_id for it in tree.ports}
    until = at + LEASE + CLOCK_SLACK + ROAMS_FOR
    leaving = [FormerPort(it, until) for it in known.tree.ports]
    kept = [it for it in known.former if at < it.until + _LONGEST_PLAN]
    return tuple({it.port.port_id: it for it in (*kept, *leaving) if it.port.port_id not in now}.values())


def _chargers_of(managed: ManagedSite) -> set[str]:
    meter = {managed.meter_charger_id} if managed.meter_charger_id is not None else set[str]()
    return {it.port_id.charger_id for it in managed.tree.ports} | meter
