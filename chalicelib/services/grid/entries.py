"""Entries in a site's book: what was told of its ports since it was written, answers, boots, new sockets, ends.

A charger's facts are read where it booted, connected, was set up or not reached, or has not told its settings yet;
never for a look alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache

from chalicelib.domain.chargers.charging_ability import firmware_key
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.firmware import Firmware, proven
from chalicelib.domain.grid.grants import PortPage, Trust, trusted
from chalicelib.domain.grid.page_events import EventKind, PageEvent, heard
from chalicelib.domain.grid.tree import Port, PortId
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers
from chalicelib.ports.grid import Firmwares
from chalicelib.records.chargers import Charger
from chalicelib.records.grid import ChargerFacts, SiteBook, SiteState
from chalicelib.services.grid.claimants import claimed

FirmwareOf = Callable[[str], Firmware]

_CAME_BACK = (EventKind.BOOTED, EventKind.RECONNECTED)
# One that a frame did not reach is away: until it is back nothing is sent to it.
_READ_FOR = (EventKind.SET_UP, EventKind.UNSENT)
_READ_AGAIN, _LATEST = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class BookEntries:
    """Brings a book up to date. No call but for chargers that came back, and for what is proven of a firmware."""

    chargers: Chargers
    firmwares: Firmwares
    clock: Clock

    def entered(self, state: SiteState) -> SiteBook:
        """The book with a page for each port of the tree, and of those before it that may still draw by them."""
        at = self.clock()
        book = state.book
        tree_ports = state.managed.tree.ports
        former = [page for it in state.former_ports(at) if (page := book.page(it.port_id)) is not None]
        pages = {it.port_id: _page(book.page(it.port_id), it, at) for it in tree_ports}
        pages |= {it.port_id: _former_page(it, at) for it in former}
        events = [*self._told(state, pages), *_ends(state, pages.values(), at)]
        facts = self._facts(pages, book, events, at)
        firmwares = {it.firmware.name: it.firmware for it in facts.values()}
        for event in sorted(events, key=lambda it: it.at):
            page, name = pages[event.port_id], facts[event.port_id.charger_id].firmware.name
            if event.shown is not None and event.name == page.read_name:
                firmwares[name] = self._learnt(firmwares[name], proven(firmwares[name], page, event.shown))
            pages[event.port_id] = heard(page, replace(event, trust=firmwares[name].trust))
        facts = {name: replace(it, firmware=firmwares[it.firmware.name]) for name, it in facts.items()}
        return replace(
            book,
            pages=tuple(trusted(it, facts[it.port_id.charger_id].firmware.trust) for it in pages.values()),
            chargers=tuple(facts.values()),
        )

    def _told(self, state: SiteState, pages: Mapping[PortId, PortPage]) -> Sequence[PageEvent]:
        """The events of ports that the tree has; one of a whole charger is one of each of its ports."""
        return [
            replace(event, port_id=port_id)
            for event in state.events
            for port_id in pages
            if event.port_id == port_id
            or (not event.port_id.connector.evse and event.port_id.charger_id == port_id.charger_id)
        ]

    def _facts(
        self, port_ids: Iterable[PortId], book: SiteBook, events: Sequence[PageEvent], at: datetime
    ) -> dict[str, ChargerFacts]:
        known = {it.charger_id: it for it in book.chargers}
        came_back = {it.port_id.charger_id for it in events if it.kind in _CAME_BACK}
        is_news = came_back | {it.port_id.charger_id for it in events if it.kind in _READ_FOR}
        names = dict.fromkeys(it.charger_id for it in port_ids)
        to_read = [it for it in names if it not in known or it in is_news or _is_to_be_read(known[it], at)]
        chargers, firmware_of = self.chargers.many(to_read), cache(self.firmwares.of)
        read = {
            it: _facts_of(it, chargers.get(it), None if it in came_back else known.get(it), at, firmware_of)
            for it in to_read
        }
        told = {it.port_id.charger_id: it.clock_ahead_s for it in events if it.kind is EventKind.CLOCK}
        return {
            it: replace(read.get(it) or known[it], clock_ahead_s=told.get(it, _clock_of(known.get(it)))) for it in names
        }

    def _learnt(self, before: Firmware, after: Firmware) -> Firmware:
        if after != before and after.name:
            self.firmwares.learn(before, after)
        return after


def _clock_of(before: ChargerFacts | None) -> int:
    return before.clock_ahead_s if before is not None else 0


def _facts_of(
    charger_id: str, charger: Charger | None, before: ChargerFacts | None, at: datetime, firmware_of: FirmwareOf
) -> ChargerFacts:
    since = before.since if before is not None else at
    if charger is None:
        return ChargerFacts(charger_id=charger_id, since=since, read_at=at, is_online=False, firmware=Firmware(name=""))
    # While it is away nobody says which protocol it speaks.
    key = firmware_key(charger.protocol, charger.vendor, charger.model, charger.firmware) if charger.vendor else ""
    if charger.connection_id is None and before is not None:
        key = before.firmware.name
    return ChargerFacts(
        charger_id=charger_id,
        since=since,
        read_at=at,
        is_online=charger.connection_id is not None,
        firmware=firmware_of(key),
        ability=charger.ability,
    )


def _page(known: PortPage | None, port: Port, at: datetime) -> PortPage:
    """A port's page. A tree that says it draws less takes nothing back of what it was told before."""
    if known is None:
        return PortPage(port_id=port.port_id, most_ma=port.most_ma)
    return replace(known, most_ma=max(port.most_ma, min(_told_ma(known, at), known.most_ma)))


def _former_page(known: PortPage, at: datetime) -> PortPage:
    """The page of a port that is the site's no more: what it was told counts, and nothing that nobody told it.

    Unless its charger was seen not to do as it is told.
    """
    is_deaf = known.trust is Trust.DISPROVEN or known.ignored_since is not None
    return known if is_deaf else replace(known, most_ma=min(_told_ma(known, at), known.most_ma))


def _told_ma(page: PortPage, at: datetime) -> int:
    leases = (it.worst_ma(at, it.ends_at) for it in page.leases)
    return max([page.default_ma or 0, page.expected_ma or 0, *(it.limit_ma for it in page.pushes), *leases])


def _is_to_be_read(facts: ChargerFacts, at: datetime) -> bool:
    """Whether a charger may say more than it did: it is being set up, or is away. Each time twice as late."""
    is_whole = facts.ability is not None and facts.is_online
    waits = min(max(_READ_AGAIN, facts.read_at - facts.since), _LATEST)
    return not is_whole and at - facts.read_at >= waits


def _ends(state: SiteState, pages: Iterable[PortPage], at: datetime) -> Sequence[PageEvent]:
    """Charges of which the book knows grants, and that claim nothing any more."""
    tree = state.managed.tree
    former = replace(tree, ports=state.former_ports(at))
    places = [*claimed(state, tree).items(), *claimed(state, former).items()]
    now = {port_id: stored.session_id for port_id, (_, stored) in places}
    over = {
        (page.port_id, lease.session_id)
        for page in pages
        for lease in page.leases
        if lease.session_id is not None and not lease.is_over and lease.session_id != now.get(page.port_id)
    }
    return [
        PageEvent(port_id=port_id, kind=EventKind.SESSION_OVER, at=at, session_id=session_id)
        for port_id, session_id in over
    ]
